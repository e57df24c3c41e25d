/**
 * A stream that may not pause once it has begun.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { ByteStream } from "./stream.ts";

/**
 * `stream`, closed when nothing comes for `stallMs` after its first byte: until then the peer may take
 * its time. Who waits for its content at last calls `hurry`.
 */
export class ImpatientStream implements ByteStream {
  readonly peer: string;
  readonly #stream: ByteStream;
  readonly #stallMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reading = false;
  #hurried = false;
  #stalled = false;

  /** Owns `stream`. */
  constructor(stream: ByteStream, stallMs: number) {
    this.peer = stream.peer;
    this.#stream = stream;
    this.#stallMs = stallMs;
  }

  /** From now on the first byte may not be waited for any longer either. */
  hurry(): void {
    this.#hurried = true;
    if (this.#reading) this.#arm();
  }

  async read(into: Uint8Array): Promise<number | null> {
    this.#reading = true;
    if (this.#hurried) this.#arm();
    try {
      const count = await this.#stream.read(into);
      this.#hurried = true;
      return count;
    } catch (error) {
      throw this.#stalled ? this.#stall(error) : error;
    } finally {
      this.#reading = false;
      clearTimeout(this.#timer);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#stream.write(bytes);
  }

  async closeWrite(): Promise<void> {
    await this.#stream.closeWrite();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#stream.close();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#stalled = true;
      this.#stream.close();
    }, this.#stallMs);
  }

  #stall(cause: unknown): PhaulError {
    const message = `Cannot read from ${this.peer}: nothing came for ${this.#stallMs / 1000} s`;
    return new PhaulError("stalled", message, { cause });
  }
}
