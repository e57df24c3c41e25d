/**
 * The data streams: chunks with a length before each, and an empty one at the end.
 *
 * An end that is said, not only seen, tells a finished stream from a peer that was killed: on plain
 * TCP both look like the same FIN. It also lets one direction end while the other goes on, which
 * not every TLS socket can.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { type ByteStream, readExactly } from "./stream.ts";

/** The cap of a chunk; longer writes become several. */
export const maxChunkBytes = 256 * 1024;

const headerBytes = 4;

/** A data stream over a connection, which it owns. */
export class ChunkedStream implements ByteStream {
  readonly peer: string;
  readonly #stream: ByteStream;
  /** One chunk with its header, so that both leave in one write. */
  readonly #out = new Uint8Array(headerBytes + maxChunkBytes);
  readonly #header = new Uint8Array(headerBytes);
  /** What is left of the chunk being read. */
  #left = 0;
  #readEnded = false;
  #writeEnded = false;

  constructor(stream: ByteStream) {
    this.#stream = stream;
    this.peer = stream.peer;
  }

  async read(into: Uint8Array): Promise<number | null> {
    if (into.length === 0) return 0;
    if (this.#left === 0 && !this.#readEnded) await this.#nextChunk();
    if (this.#readEnded) return null;
    const count = await this.#stream.read(into.subarray(0, Math.min(this.#left, into.length)));
    if (count === null) throw this.#broken();
    this.#left -= count;
    return count;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#writeEnded) {
      throw new PhaulError("internal", `Cannot write to ${this.peer}: the stream was ended`);
    }
    for (let done = 0; done < bytes.length; done += maxChunkBytes) {
      await this.#writeChunk(bytes.subarray(done, done + maxChunkBytes));
    }
  }

  async closeWrite(): Promise<void> {
    if (this.#writeEnded) return;
    this.#writeEnded = true;
    await this.#writeChunk(new Uint8Array());
  }

  close(): void {
    this.#stream.close();
  }

  async #nextChunk(): Promise<void> {
    if (!await readExactly(this.#stream, this.#header)) throw this.#broken();
    const length = new DataView(this.#header.buffer).getUint32(0);
    if (length > maxChunkBytes) {
      throw new PhaulError(
        "protocol",
        `Cannot read from ${this.peer}: a chunk of ${length} bytes, where ${maxChunkBytes} is the limit`,
      );
    }
    this.#left = length;
    this.#readEnded = length === 0;
  }

  async #writeChunk(bytes: Uint8Array): Promise<void> {
    new DataView(this.#out.buffer).setUint32(0, bytes.length);
    this.#out.set(bytes, headerBytes);
    await this.#stream.write(this.#out.subarray(0, headerBytes + bytes.length));
  }

  #broken(): PhaulError {
    return new PhaulError("peer-lost", `Cannot read from ${this.peer}: it went away in the middle`);
  }
}
