/**
 * How long processes waited for something, as far as the last ones tell.
 *
 * @module
 */

/** So many of the last ones are looked at. */
const REMEMBERED = 1000;

/** Waits of processes for late pages. */
export interface WaitFigures {
  readonly count: number;
  /** Half of the last ones were no longer, in microseconds. */
  readonly medianUs: number;
  /** 99 of 100 were no longer, in microseconds. */
  readonly p99Us: number;
}

/** Takes waits down, each in milliseconds. */
export class Waits {
  readonly #last = new Float64Array(REMEMBERED);
  #count = 0;

  add(ms: number): void {
    this.#last[this.#count % REMEMBERED] = ms;
    this.#count++;
  }

  get figures(): WaitFigures {
    const known = this.#last.slice(0, Math.min(this.#count, REMEMBERED)).sort();
    const at = (share: number) => Math.round((known[Math.floor(known.length * share)] ?? 0) * 1000);
    return { count: this.#count, medianUs: at(0.5), p99Us: at(0.99) };
  }
}
