/**
 * Images for a lazy restore: such as CRIU can restore at once, while almost all contents stay where the
 * page cache put them. No page is copied but the few that CRIU wants at once.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { PageImage } from "../criu/mod.ts";
import { imageName, type TakenImage, type TakenIteration } from "./iteration.ts";
import type { LateRun } from "./late_store.ts";
import { LazyIndexWriter } from "./lazy_index.ts";
import { type MemoryArea, parseMmImage } from "./mm_image.ts";
import { PageFlag, PagemapWriter } from "./pagemap.ts";
import { pagesBuffer, PagesFile } from "./pages_file.ts";
import { cut, type Piece } from "./pieces.ts";

/** What a lazy restore is made from. */
export interface FlatOptions {
  /** The last iteration, with all other images beside its pages. */
  readonly taken: TakenIteration;
  /** An empty directory on the same file system; the images go there. */
  readonly dir: string;
  readonly pageBytes: number;
  /** A number that no pages file of this migration has. */
  readonly nextPagesId: () => number;
  /** Where each pages file lies. */
  readonly pathOf: (pagesId: number) => string;
}

/** A task whose memory is filled in later. */
export interface LazyTask {
  /** Its pid in the innermost namespace. */
  readonly pid: number;
  /** Its index; see lazy_index.ts. */
  readonly indexPath: string;
  /** So many pages. */
  readonly pages: number;
}

/** Pages are this side's own; so is everything that CRIU and phaul leave beside images. */
const LINKED = /^(?!pagemap-|pages-).*\.img$/;

/**
 * Makes the images of `options.taken` ready for a lazy restore.
 *
 * @returns the tasks that somebody has to fill in
 * @throws PhaulError `protocol` for images that do not fit together; Deno.errors.*
 */
export function writeFlatImages(options: FlatOptions): LazyTask[] {
  const { taken, dir } = options;
  for (const { name } of Deno.readDirSync(taken.dir)) {
    if (LINKED.test(name)) Deno.linkSync(`${taken.dir}/${name}`, `${dir}/${name}`);
  }
  using contents = new Contents(options.pathOf, options.pageBytes, options.taken.late);
  const tasks: LazyTask[] = [];
  for (const taken of options.taken.images.values()) {
    if (taken.image.kind === "task") tasks.push(writeTask(taken, options, contents));
    else if (taken.inherits) writeWhole(taken, options, contents);
    else linkWhole(taken, options);
  }
  return tasks;
}

function writeTask(taken: TakenImage, options: FlatOptions, contents: Contents): LazyTask {
  const { dir, pageBytes } = options;
  const { id: pid } = taken.image;
  const areas = parseMmImage(Deno.readFileSync(`${options.taken.dir}/mm-${pid}.img`));
  const indexPath = `${dir}/lazy-${pid}.idx`;
  using index = new LazyIndexWriter(indexPath);
  using writer = new ImageWriter(taken.image, options, contents);
  for (const { piece, lazy } of splitByAreas(taken.pieces, areas, pageBytes)) {
    if (!lazy) writer.addPresent(piece);
    else {
      writer.addLazy(piece);
      index.add(piece);
    }
  }
  writer.finish();
  index.flush();
  return { pid, indexPath, pages: index.pages };
}

/** Cuts pieces where one mapping ends and another begins. */
function* splitByAreas(
  pieces: Iterable<Piece>,
  areas: readonly MemoryArea[],
  pageBytes: number,
): Generator<{ piece: Piece; lazy: boolean }> {
  let next = 0;
  for (const piece of pieces) {
    const end = piece.page + piece.count;
    for (let page = piece.page; page < end;) {
      while (next < areas.length && (areas[next]?.end ?? 0) / pageBytes <= page) next++;
      const area = areas[next];
      const inside = area !== undefined && area.start / pageBytes <= page;
      const border = area === undefined ? end : (inside ? area.end : area.start) / pageBytes;
      const part = cut(piece, page, Math.min(end, border));
      yield { piece: part, lazy: piece.lazy && inside && area.lazy };
      page = part.page + part.count;
    }
  }
}

function writeWhole(taken: TakenImage, options: FlatOptions, contents: Contents): void {
  using writer = new ImageWriter(taken.image, options, contents);
  for (const piece of taken.pieces) writer.addPresent(piece);
  writer.finish();
}

/** All its pages came in the last iteration: as they lie there, CRIU can read them. */
function linkWhole({ image, pagesId }: TakenImage, { taken, dir, pathOf }: FlatOptions): void {
  Deno.linkSync(`${taken.dir}/${imageName(image)}`, `${dir}/${imageName(image)}`);
  Deno.linkSync(pathOf(pagesId), `${dir}/pages-${pagesId}.img`);
}

/** Writes one pagemap and the contents that CRIU reads with it. */
class ImageWriter implements Disposable {
  readonly #path: string;
  readonly #file: PagesFile;
  readonly #pagemap: PagemapWriter;
  readonly #contents: Contents;

  constructor(image: PageImage, options: FlatOptions, contents: Contents) {
    this.#path = `${options.dir}/${imageName(image)}`;
    this.#file = new PagesFile(options.dir, options.nextPagesId(), pagesBuffer());
    this.#pagemap = new PagemapWriter(this.#file.id, options.pageBytes);
    this.#contents = contents;
  }

  addPresent(piece: Piece): void {
    this.#contents.copy(piece, this.#file);
    this.#pagemap.add(piece.page, piece.count, PageFlag.PRESENT);
  }

  addLazy({ page, count }: Piece): void {
    this.#pagemap.add(page, count, PageFlag.LAZY);
  }

  finish(): void {
    this.#file.flush();
    Deno.writeFileSync(this.#path, this.#pagemap.finish(), { createNew: true, mode: 0o600 });
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

/** Reads what lies in the pages files. */
class Contents implements Disposable {
  readonly #pathOf: (pagesId: number) => string;
  readonly #pageBytes: number;
  readonly #late = new Map<number, LateRun[]>();
  #open: { readonly id: number; readonly file: Deno.FsFile } | undefined;

  constructor(
    pathOf: (pagesId: number) => string,
    pageBytes: number,
    late: readonly LateRun[],
  ) {
    this.#pathOf = pathOf;
    this.#pageBytes = pageBytes;
    for (const run of late) {
      const runs = this.#late.get(run.file);
      if (runs) runs.push(run);
      else this.#late.set(run.file, [run]);
    }
  }

  /** @throws PhaulError `protocol` for what has not come: CRIU leaves in the tree only what it may */
  copy({ file: id, at, count }: Piece, to: PagesFile): void {
    if (this.#comesLate(id, at, count)) {
      throw new PhaulError("protocol", "Cannot restore: pages that are wanted at once come late");
    }
    const { file } = this.#opened(id);
    file.seekSync(at * this.#pageBytes, Deno.SeekMode.Start);
    const buffer = new Uint8Array(this.#pageBytes);
    for (let page = 0; page < count; page++) {
      for (let done = 0; done < buffer.length;) {
        const read = file.readSync(buffer.subarray(done));
        if (read === null) throw new Deno.errors.UnexpectedEof(this.#pathOf(id));
        done += read;
      }
      to.append(buffer);
    }
  }

  /** Runs of one file ascend. */
  #comesLate(id: number, at: number, count: number): boolean {
    const runs = this.#late.get(id) ?? [];
    let low = 0;
    for (let high = runs.length; low < high;) {
      const middle = (low + high) >>> 1;
      const run = runs[middle];
      if (run && run.at + run.count <= at) low = middle + 1;
      else high = middle;
    }
    const run = runs[low];
    return run !== undefined && run.at < at + count;
  }

  [Symbol.dispose](): void {
    this.#open?.file.close();
  }

  #opened(id: number): { readonly file: Deno.FsFile } {
    if (this.#open?.id === id) return this.#open;
    this.#open?.file.close();
    this.#open = { id, file: Deno.openSync(this.#pathOf(id)) };
    return this.#open;
  }
}
