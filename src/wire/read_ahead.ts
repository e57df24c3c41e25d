/**
 * Many small reads that take few large ones.
 *
 * @module
 */

import type { ByteSource } from "./stream.ts";

const ROOM_BYTES = 64 * 1024;

/**
 * Reads from `source`, its giver's, as much as is there at once. What was read ahead is lost to others:
 * for a source that nobody else reads any more.
 */
export class ReadAhead implements ByteSource {
  readonly #source: ByteSource;
  readonly #room = new Uint8Array(ROOM_BYTES);
  #left = this.#room.subarray(0, 0);

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get peer(): string {
    return this.#source.peer;
  }

  async read(into: Uint8Array): Promise<number | null> {
    if (this.#left.length === 0) {
      if (into.length >= ROOM_BYTES) return await this.#source.read(into);
      const count = await this.#source.read(this.#room);
      if (count === null) return null;
      this.#left = this.#room.subarray(0, count);
    }
    const taken = this.#left.subarray(0, into.length);
    into.set(taken);
    this.#left = this.#left.subarray(taken.length);
    return taken.length;
  }
}
