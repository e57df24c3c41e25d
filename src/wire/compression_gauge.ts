/**
 * Whether compressing pays, by what it was measured to gain. Pure: times are given.
 *
 * @module
 */

/** Weight of the newest figure; the rest is what was known before. */
const NEWEST = 0.2;
/** While it does not pay, one block in so many is compressed all the same, to see whether it would. */
const PROBE_EVERY = 64;
/** A gain below this, in percent of the time, is not worth another host's work. */
const MIN_GAIN_PERCENT = 10;

/** Compares what a byte costs on the link with what it costs to make it smaller. */
export class CompressionGauge {
  #linkMsPerByte: number | undefined;
  #workMsPerByte: number | undefined;
  #ratio: number | undefined;
  #sinceProbe = PROBE_EVERY;

  /** Whether the next block is to be compressed. */
  next(): boolean {
    if (this.#pays) return true;
    if (++this.#sinceProbe < PROBE_EVERY) return false;
    this.#sinceProbe = 0;
    return true;
  }

  /** A block was compressed. */
  compressed(rawBytes: number, packedBytes: number, ms: number): void {
    if (rawBytes === 0) return;
    this.#workMsPerByte = mean(this.#workMsPerByte, ms / rawBytes);
    this.#ratio = mean(this.#ratio, Math.min(1, packedBytes / rawBytes));
  }

  /** The link, or what lies behind it, took so long for those bytes. */
  sent(bytes: number, ms: number): void {
    if (bytes > 0) this.#linkMsPerByte = mean(this.#linkMsPerByte, ms / bytes);
  }

  get #pays(): boolean {
    const [link, work, ratio] = [this.#linkMsPerByte, this.#workMsPerByte, this.#ratio];
    if (link === undefined || work === undefined || ratio === undefined) return false;
    return work + ratio * link < link * (1 - MIN_GAIN_PERCENT / 100);
  }
}

function mean(before: number | undefined, newest: number): number {
  return before === undefined ? newest : before + (newest - before) * NEWEST;
}
