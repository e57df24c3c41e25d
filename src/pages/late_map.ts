/**
 * Which pages have come, seen from whoever fills memory in; late_store.ts says what is in a map.
 *
 * @module
 */

import type { Mapping } from "../sys/mod.ts";
import { MISSING } from "./late_store.ts";
import { cut, type Piece } from "./pieces.ts";

/** The maps of those pages files that have late pages, by the number of the file. */
export class LateMaps {
  readonly #maps: ReadonlyMap<number, Mapping>;

  /** @param maps They stay their giver's, who may add to them. */
  constructor(maps: ReadonlyMap<number, Mapping>) {
    this.#maps = maps;
  }

  /** Pages may come late at all. */
  get any(): boolean {
    return this.#maps.size > 0;
  }

  /** The part of a piece, from its beginning, that has come. */
  came(piece: Piece): Piece {
    const first = this.#of(piece)?.indexOf(MISSING) ?? -1;
    return first === -1 ? piece : cut(piece, piece.page, piece.page + first);
  }

  /** How many pages of a piece, from its beginning, have not come. */
  missing(piece: Piece): number {
    const there = this.#of(piece)?.indexOf(0) ?? 0;
    return there === -1 ? piece.count : there;
  }

  #of({ file, at, count }: Piece): Uint8Array | undefined {
    return this.#maps.get(file)?.bytes().subarray(at, at + count);
  }
}
