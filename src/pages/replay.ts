/**
 * Pages that a CRIU has put into images on this host, as the page stream that it would have sent.
 *
 * @module
 */

import { type PageImage, PageMessages } from "../criu/mod.ts";
import type { PageEnd } from "./page_cache.ts";
import { PageFlag, readPagemap } from "./pagemap.ts";

const NAME = /^pagemap-(shmem-)?(\d+)\.img$/;
const CHUNK_BYTES = 256 * 1024;

/** A page channel behind which no CRIU sends, but what is played. */
export class ReplayedPages {
  readonly #pageBytes: number;
  /** Something can be read, or nothing ever will be. */
  readonly #begun = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<void>();
  #played: Generator<Uint8Array> | undefined;
  #left: Uint8Array = new Uint8Array();
  #shut = false;

  /** @param pageBytes The size of a page. */
  constructor(pageBytes: number) {
    this.#pageBytes = pageBytes;
  }

  /** What a relay reads the stream from. */
  readonly conn: PageEnd = {
    read: (buffer) => this.#read(buffer),
    // Nothing is asked of the other side but whether all came, which the end of an iteration tells.
    write: (bytes) => Promise.resolve(bytes.length),
  };

  /** Nothing more comes, and what is open of the images is closed. */
  shutdown(): void {
    this.#shut = true;
    this.#played?.return(undefined);
    this.#begun.resolve();
    this.#over.resolve();
  }

  /** Has the images in `dir` read, once, as fast as somebody reads the stream. */
  play(dir: string): void {
    this.#played ??= streamOf(dir, this.#pageBytes);
    this.#begun.resolve();
  }

  async #read(buffer: Uint8Array): Promise<number | null> {
    if (!this.#played) await this.#begun.promise;
    const filled = this.#shut ? 0 : this.#fill(buffer);
    if (filled > 0) return filled;
    // As a CRIU does, it stays until it is shut down.
    await this.#over.promise;
    return null;
  }

  /** As much as there is room for: a run has a header, and most runs are short. */
  #fill(buffer: Uint8Array): number {
    let filled = 0;
    while (filled < buffer.length) {
      if (this.#left.length === 0) {
        const next = this.#played?.next();
        if (next?.done !== false) break;
        this.#left = next.value;
      }
      const part = this.#left.subarray(0, buffer.length - filled);
      buffer.set(part, filled);
      filled += part.length;
      this.#left = this.#left.subarray(part.length);
    }
    return filled;
  }
}

/** Bytes of at most one chunk each; they change when the next ones are asked for. */
function* streamOf(dir: string, pageBytes: number): Generator<Uint8Array> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (const { name } of Deno.readDirSync(dir)) {
    const image = imageIn(name);
    if (image) yield* imageStream(dir, name, image, pageBytes, buffer);
  }
  yield PageMessages.close();
}

function* imageStream(
  dir: string,
  name: string,
  image: PageImage,
  pageBytes: number,
  buffer: Uint8Array,
): Generator<Uint8Array> {
  const { pagesId, runs } = readPagemap(Deno.readFileSync(`${dir}/${name}`), pageBytes);
  using file = Deno.openSync(`${dir}/pages-${pagesId}.img`);
  yield PageMessages.open(image);
  for (const { page, count, flags } of runs) {
    yield PageMessages.run(page * pageBytes, count, flags);
    if ((flags & PageFlag.PRESENT) === 0) continue;
    for (let left = count * pageBytes; left > 0;) {
      const got = file.readSync(buffer.subarray(0, left));
      if (got === null) throw new Deno.errors.UnexpectedEof(`${dir}/pages-${pagesId}.img`);
      yield buffer.subarray(0, got);
      left -= got;
    }
  }
}

function imageIn(name: string): PageImage | undefined {
  const [, shared, id] = NAME.exec(name) ?? [];
  if (id === undefined) return undefined;
  return { kind: shared === undefined ? "task" : "shared", id: Number(id) };
}
