/**
 * Runs of pages, and where their contents lie.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

/** A run of pages of one memory, with their contents at consecutive places of one pages file. */
export interface Piece {
  /** Number of its first page: the address divided by the page size. */
  readonly page: number;
  readonly count: number;
  /** CRIU says that these may be filled in after the restore. */
  readonly lazy: boolean;
  /** The pages file, by its number in `pages-N.img`. */
  readonly file: number;
  /** Where in that file, in pages. */
  readonly at: number;
}

const COLUMNS = 4;
const FIRST_ROOM = 64;

/**
 * Pieces in ascending order, none overlapping another. Held in columns: of memory that was written here
 * and there, there are hundreds of thousands.
 */
export class Pieces {
  #rows = new Float64Array(FIRST_ROOM * COLUMNS);
  #lazy = new Uint8Array(FIRST_ROOM);
  #length = 0;
  #pages = 0;

  get length(): number {
    return this.#length;
  }

  /** Pages in all pieces. */
  get pages(): number {
    return this.#pages;
  }

  /** The page after the last piece. */
  get end(): number {
    return this.#length === 0 ? 0 : this.#page(this.#length - 1) + this.#count(this.#length - 1);
  }

  /** The piece at `index`. */
  at(index: number): Piece {
    return {
      page: this.#page(index),
      count: this.#count(index),
      lazy: this.#lazy[index] === 1,
      file: this.#rows[index * COLUMNS + 2] ?? 0,
      at: this.#rows[index * COLUMNS + 3] ?? 0,
    };
  }

  /**
   * Appends a piece; it becomes one with the last where nothing lies between them.
   *
   * @throws PhaulError `page-stream` unless it lies behind all others
   */
  push(piece: Piece): void {
    const { page, count, lazy, file, at } = piece;
    if (page < this.end) {
      throw new PhaulError("page-stream", "Cannot take pages in: they do not come in order");
    }
    this.#pages += count;
    if (this.#continues(piece)) {
      const last = this.#length - 1;
      this.#rows[last * COLUMNS + 1] = this.#count(last) + count;
      return;
    }
    if (this.#length === this.#lazy.length) this.#grow();
    this.#rows.set([page, count, file, at], this.#length * COLUMNS);
    this.#lazy[this.#length] = lazy ? 1 : 0;
    this.#length++;
  }

  /** All pieces. */
  *[Symbol.iterator](): Generator<Piece> {
    for (let index = 0; index < this.#length; index++) yield this.at(index);
  }

  /** What of `page` and the `count - 1` after it is in pieces, cut to that range. */
  *within(page: number, count: number): Generator<Piece> {
    for (let index = this.#firstAfter(page); index < this.#length; index++) {
      const piece = this.at(index);
      if (piece.page >= page + count) return;
      yield cut(piece, page, page + count);
    }
  }

  /** Index of the first piece that ends behind `page`. */
  #firstAfter(page: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#page(middle) + this.#count(middle) > page) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #continues({ page, lazy, file, at }: Piece): boolean {
    const last = this.#length - 1;
    if (last < 0 || page !== this.end) return false;
    const row = last * COLUMNS;
    return (this.#lazy[last] === 1) === lazy && this.#rows[row + 2] === file &&
      (this.#rows[row + 3] ?? 0) + this.#count(last) === at;
  }

  #page(index: number): number {
    return this.#rows[index * COLUMNS] ?? 0;
  }

  #count(index: number): number {
    return this.#rows[index * COLUMNS + 1] ?? 0;
  }

  #grow(): void {
    const rows = new Float64Array(this.#rows.length * 2);
    rows.set(this.#rows);
    this.#rows = rows;
    const lazy = new Uint8Array(this.#lazy.length * 2);
    lazy.set(this.#lazy);
    this.#lazy = lazy;
  }
}

/** The part of a piece from page `from` up to, and without, page `to`. */
export function cut(piece: Piece, from: number, to: number): Piece {
  const page = Math.max(piece.page, from);
  const count = Math.min(piece.page + piece.count, to) - page;
  return { ...piece, page, count, at: piece.at + page - piece.page };
}
