/**
 * How long bytes have to wait so that they keep to a rate. Pure: the time is always given.
 *
 * @module
 */

/** What may leave at once after a pause; longer pauses save nothing up. */
const BURST_MS = 20;

/** A token bucket: it fills at the rate, and what leaves takes from it. */
export class TokenBucket {
  readonly #bytesPerMs: number;
  readonly #burstBytes: number;
  #level: number;
  #sinceMs: number;

  /**
   * @param bytesPerSecond The rate, more than 0.
   * @param nowMs The time on any clock that only goes forward.
   */
  constructor(bytesPerSecond: number, nowMs: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#burstBytes = this.#bytesPerMs * BURST_MS;
    this.#level = this.#burstBytes;
    this.#sinceMs = nowMs;
  }

  /** How many bytes are best sent at once: what flows in the time of a burst. */
  get sliceBytes(): number {
    return Math.max(1, Math.floor(this.#burstBytes));
  }

  /**
   * Takes `bytes` out; the bucket may owe some then.
   *
   * @returns how many milliseconds to wait before they may leave
   */
  take(bytes: number, nowMs: number): number {
    const filled = this.#level + (nowMs - this.#sinceMs) * this.#bytesPerMs;
    this.#level = Math.min(this.#burstBytes, filled) - bytes;
    this.#sinceMs = nowMs;
    return Math.max(0, -this.#level / this.#bytesPerMs);
  }
}
