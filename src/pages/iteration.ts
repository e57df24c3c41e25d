/**
 * One iteration as the page cache takes it in: images such as CRIU's own page server would leave, and for
 * each of them where the newest version of every page lies.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { PageImage, PageRun, PageStreamListener } from "../criu/mod.ts";
import { PageFlag, PagemapWriter } from "./pagemap.ts";
import { PagesFile } from "./pages_file.ts";
import type { LateRun } from "./late_store.ts";
import { cut, Pieces } from "./pieces.ts";

/** What an iteration is taken in with. */
export interface IterationParts {
  /** Where its images go. */
  readonly dir: string;
  readonly pageBytes: number;
  /** The iteration before; undefined for the first one. */
  readonly before: TakenIteration | undefined;
  /** A number that no pages file of this migration has. */
  readonly nextPagesId: () => number;
  /** Pages may stay in the source's tree, and come late. */
  readonly late: boolean;
  /** Room for the pages file that is open. */
  readonly buffer: Uint8Array;
  /** Sends an answer back to the CRIU that dumps. */
  readonly answer: (bytes: Uint8Array) => void;
}

/** An iteration that is over. */
export interface TakenIteration {
  readonly dir: string;
  /** By the name of the image, as {@linkcode imageName} makes it. */
  readonly images: ReadonlyMap<string, TakenImage>;
  /** What stayed in the source's tree, in the order in which the dump told of it. */
  readonly late: readonly LateRun[];
}

/** One image of an iteration. */
export interface TakenImage {
  readonly image: PageImage;
  /** Number of its own pages file. */
  readonly pagesId: number;
  /** The newest version of every page, of this iteration or an earlier one. */
  readonly pieces: Pieces;
  /** Some of them are of an earlier one. */
  readonly inherits: boolean;
}

/** The file name of a pagemap image (criu/image-desc.c). */
export function imageName({ kind, id }: PageImage): string {
  return kind === "task" ? `pagemap-${id}.img` : `pagemap-shmem-${id}.img`;
}

/** Acts on one iteration's stream. Whatever it throws means that the iteration cannot be used. */
export class IterationTaker implements PageStreamListener, Disposable {
  readonly #parts: IterationParts;
  readonly #images = new Map<string, TakenImage>();
  readonly #late: LateRun[] = [];
  #open: OpenImage | undefined;
  #closed = false;

  constructor(parts: IterationParts) {
    this.#parts = parts;
  }

  /** What was taken; undefined until CRIU has closed the iteration. */
  get taken(): TakenIteration | undefined {
    if (!this.#closed) return undefined;
    return { dir: this.#parts.dir, images: this.#images, late: this.#late };
  }

  opened(image: PageImage, answered: boolean): void {
    this.#finishOpen();
    const name = imageName(image);
    if (this.#images.has(name)) throw malformed(`image "${name}" comes twice`);
    const before = this.#parts.before?.images.get(name);
    this.#open = new OpenImage(image, before?.pieces, this.#parts, this.#late);
    if (answered) this.#parts.answer(Uint8Array.of(before ? 1 : 0));
  }

  asked(image: PageImage): void {
    this.#parts.answer(int32(this.#parts.before?.images.has(imageName(image)) ? 1 : 0));
  }

  run(run: PageRun): void {
    if (!this.#open) throw malformed("pages of no image");
    this.#open.add(run);
  }

  contents(bytes: Uint8Array): void {
    this.#open?.append(bytes);
  }

  closed(): void {
    this.#finishOpen();
    this.#closed = true;
    this.#parts.answer(int32(0));
  }

  /** Lets go of a file that is still open. */
  [Symbol.dispose](): void {
    this.#open?.[Symbol.dispose]();
    this.#open = undefined;
  }

  #finishOpen(): void {
    if (!this.#open) return;
    using open = this.#open;
    this.#open = undefined;
    const taken = open.finish();
    this.#images.set(imageName(taken.image), taken);
  }
}

/** The image that comes in now. */
class OpenImage implements Disposable {
  readonly #image: PageImage;
  readonly #before: Pieces | undefined;
  readonly #parts: IterationParts;
  readonly #pieces = new Pieces();
  readonly #file: PagesFile;
  readonly #pagemap: PagemapWriter;
  readonly #late: LateRun[];
  /** Pages of the file that runs have been told of. */
  #pages = 0;
  #inherits = false;

  /** @param late What comes late is added to it. */
  constructor(
    image: PageImage,
    before: Pieces | undefined,
    parts: IterationParts,
    late: LateRun[],
  ) {
    this.#image = image;
    this.#late = late;
    this.#before = before;
    this.#parts = parts;
    this.#file = new PagesFile(parts.dir, parts.nextPagesId(), parts.buffer);
    this.#pagemap = new PagemapWriter(this.#file.id, parts.pageBytes);
  }

  add(run: PageRun): void {
    const { page, count, present, parent, lazy } = run;
    if (count === 0) return;
    const late = this.#parts.late && this.#image.kind === "task" && lazy && !present && !parent;
    if (present || late) {
      if (late) this.#leaveRoom(count);
      this.#pieces.push({ page, count, lazy, file: this.#file.id, at: this.#pages });
      this.#pages += count;
    } else if (parent) {
      this.#inherit(page, count);
    } else {
      throw malformed("pages that are nowhere");
    }
    // Once they have come, late pages lie there as any others.
    const where = present || late ? PageFlag.PRESENT : PageFlag.PARENT;
    const flags = where | (lazy ? PageFlag.LAZY : 0);
    this.#pagemap.add(page, count, flags);
  }

  append(bytes: Uint8Array): void {
    this.#file.append(bytes);
  }

  finish(): TakenImage {
    this.#file.flush();
    if (this.#file.bytes !== this.#pages * this.#parts.pageBytes) {
      throw malformed("contents of pages are missing");
    }
    const path = `${this.#parts.dir}/${imageName(this.#image)}`;
    Deno.writeFileSync(path, this.#pagemap.finish(), { createNew: true, mode: 0o600 });
    const [image, pagesId] = [this.#image, this.#file.id];
    return { image, pagesId, pieces: this.#pieces, inherits: this.#inherits };
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #leaveRoom(count: number): void {
    this.#late.push({ file: this.#file.id, at: this.#pages, count });
    this.#file.skip(count * this.#parts.pageBytes);
  }

  #inherit(page: number, count: number): void {
    this.#inherits = true;
    let next = page;
    for (const piece of this.#before?.within(page, count) ?? []) {
      if (piece.page !== next) break;
      this.#pieces.push(cut(piece, page, page + count));
      next = piece.page + piece.count;
    }
    if (next !== page + count) throw malformed("pages that the iteration before does not have");
  }
}

function int32(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

function malformed(what: string): PhaulError {
  return new PhaulError("page-stream", `Cannot take CRIU's page stream in: ${what}`);
}
