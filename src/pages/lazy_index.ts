/**
 * What is written down for a lazy restore, next to the images: which pages are to be filled in later, and
 * where their contents lie. Phaul's own: one file for each task, of rows of four 64-bit floats in native
 * order: page, count, number of the pages file, place in that file in pages.
 *
 * @module
 */

import { type Piece, Pieces } from "./pieces.ts";

const COLUMNS = 4;
const ROWS_AT_ONCE = 4096;

/** Writes the index of one task. */
export class LazyIndexWriter implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #rows = new Float64Array(ROWS_AT_ONCE * COLUMNS);
  #filled = 0;
  #pages = 0;

  /** @throws Deno.errors.* */
  constructor(path: string) {
    this.#file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  }

  /** Pages that were added. */
  get pages(): number {
    return this.#pages;
  }

  /** @throws Deno.errors.* */
  add({ page, count, file, at }: Piece): void {
    if (this.#filled === ROWS_AT_ONCE) this.flush();
    this.#rows.set([page, count, file, at], this.#filled * COLUMNS);
    this.#filled++;
    this.#pages += count;
  }

  /** @throws Deno.errors.* */
  flush(): void {
    const bytes = new Uint8Array(this.#rows.buffer, 0, this.#filled * COLUMNS * 8);
    for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
    this.#filled = 0;
  }

  /** Closes it; what was not flushed is lost. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/**
 * Reads the index of one task.
 *
 * @throws Deno.errors.*
 */
export function readLazyIndex(path: string): Pieces {
  const rows = new Float64Array(Deno.readFileSync(path).buffer);
  const pieces = new Pieces();
  for (let row = 0; row < rows.length; row += COLUMNS) {
    const [page = 0, count = 0, file = 0, at = 0] = rows.subarray(row, row + COLUMNS);
    pieces.push({ page, count, file, at, lazy: true });
  }
  return pieces;
}
