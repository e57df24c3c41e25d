/** Two ByteStreams that end in each other, and one that plays back given bytes; no sockets. */

import type { ByteStream } from "../../../src/wire/mod.ts";
import { PhaulError } from "../../../src/errors.ts";

/** A connected pair. */
export function memoryPair(): [MemoryStream, MemoryStream] {
  const a = new MemoryStream("a:1");
  const b = new MemoryStream("b:2");
  a.connect(b);
  b.connect(a);
  return [a, b];
}

/** A stream that delivers `bytes`, at most `step` at a time, then its end; what is written is kept. */
export function playback(bytes: Uint8Array, step = bytes.length): MemoryStream {
  const stream = new MemoryStream("peer:1");
  for (let at = 0; at < bytes.length; at += step) stream.feed(bytes.subarray(at, at + step));
  stream.end();
  return stream;
}

export class MemoryStream implements ByteStream {
  readonly peer: string;
  /** Everything that was written to this end. */
  readonly written: number[] = [];
  closed = false;
  #chunks: Uint8Array[] = [];
  #ended = false;
  #wake: (() => void) | undefined;
  #other: MemoryStream | undefined;

  constructor(peer: string) {
    this.peer = peer;
  }

  connect(other: MemoryStream): void {
    this.#other = other;
  }

  feed(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#chunks.push(Uint8Array.from(bytes));
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      if (this.closed) throw new PhaulError("peer-lost", "closed");
      const [first] = this.#chunks;
      if (first) {
        const count = Math.min(first.length, into.length);
        into.set(first.subarray(0, count));
        if (count === first.length) this.#chunks.shift();
        else this.#chunks[0] = first.subarray(count);
        return count;
      }
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.closed) return Promise.reject(new PhaulError("peer-lost", "closed"));
    for (const byte of bytes) this.written.push(byte);
    this.#other?.feed(bytes);
    return Promise.resolve();
  }

  closeWrite(): Promise<void> {
    this.#other?.end();
    return Promise.resolve();
  }

  close(): void {
    this.closed = true;
    this.#other?.end();
    this.#wake?.();
  }
}
