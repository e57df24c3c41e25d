/**
 * A stream that keeps what it writes to a rate.
 *
 * @module
 */

import type { ByteStream } from "./stream.ts";
import { TokenBucket } from "./token_bucket.ts";

/** Smaller slices would cost more in headers and wake-ups than they smooth. */
const MIN_SLICE_BYTES = 4096;
const MAX_SLICE_BYTES = 256 * 1024;

/** A clock that only goes forward, and a way to wait on it. */
export interface PaceClock {
  nowMs(): number;
  /** Resolves after `ms`, or sooner when `signal` is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** Writes over `stream`, which it owns, at a bounded rate; reads are left alone. */
export class PacedStream implements ByteStream {
  readonly peer: string;
  readonly #stream: ByteStream;
  readonly #bucket: TokenBucket;
  readonly #clock: PaceClock;
  readonly #sliceBytes: number;
  readonly #closed = new AbortController();
  #waitedMs = 0;

  /** @param bytesPerSecond More than 0. */
  constructor(stream: ByteStream, bytesPerSecond: number, clock: PaceClock = REAL_CLOCK) {
    this.#stream = stream;
    this.peer = stream.peer;
    this.#clock = clock;
    this.#bucket = new TokenBucket(bytesPerSecond, clock.nowMs());
    const { sliceBytes } = this.#bucket;
    this.#sliceBytes = Math.max(MIN_SLICE_BYTES, Math.min(MAX_SLICE_BYTES, sliceBytes));
  }

  /** How long writes have waited for the rate: without it they would have been that much faster. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#stream.read(into);
  }

  async write(bytes: Uint8Array): Promise<void> {
    // In slices: a watchdog, and whoever waits on the other side, see steady progress.
    for (let done = 0; done < bytes.length; done += this.#sliceBytes) {
      const slice = bytes.subarray(done, done + this.#sliceBytes);
      const begunMs = this.#clock.nowMs();
      const waitMs = this.#bucket.take(slice.length, begunMs);
      if (waitMs > 0) {
        await this.#clock.wait(waitMs, this.#closed.signal);
        this.#waitedMs += this.#clock.nowMs() - begunMs;
      }
      await this.#stream.write(slice);
    }
  }

  closeWrite(): Promise<void> {
    return this.#stream.closeWrite();
  }

  close(): void {
    this.#closed.abort();
    this.#stream.close();
  }
}

const REAL_CLOCK: PaceClock = {
  nowMs: () => performance.now(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const timer = setTimeout(end, ms);
      function end() {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      }
      signal.addEventListener("abort", end);
    }),
};
