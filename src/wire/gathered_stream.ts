/**
 * Many small writes that leave as few large ones.
 *
 * @module
 */

import type { ByteStream } from "./stream.ts";

const ROOM_BYTES = 64 * 1024;

/** Gathers what is written to `stream`, which stays the caller's, until it is flushed. */
export class GatheredStream implements ByteStream {
  readonly #stream: ByteStream;
  readonly #room = new Uint8Array(ROOM_BYTES);
  #filled = 0;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  get peer(): string {
    return this.#stream.peer;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#stream.read(into);
  }

  /** What is written may be reused; it leaves with the next flush at the latest. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#filled + bytes.length > ROOM_BYTES) await this.flush();
    if (bytes.length > ROOM_BYTES) return await this.#stream.write(bytes);
    this.#room.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  /** Lets all leave that was written so far. */
  async flush(): Promise<void> {
    const filled = this.#filled;
    this.#filled = 0;
    if (filled > 0) await this.#stream.write(this.#room.subarray(0, filled));
  }

  async closeWrite(): Promise<void> {
    await this.flush();
    await this.#stream.closeWrite();
  }

  close(): void {
    this.#stream.close();
  }
}
