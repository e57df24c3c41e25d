/**
 * Keeps a peer to a rate.
 *
 * @module
 */

/** How many messages may come at once. */
const BURST = 200;
/** How many more may come in each second. phaul's own source sends a few dozen at most. */
const PER_SECOND = 200;
/** A slow host may never come up to that rate, and has to let others work all the same. */
const BREATH_MS = 20;

/**
 * Holds back a reader whose peer sends too much. Messages that are there already are read without any
 * wait in which others could work, so a flood of them would stop the whole process; and none of them is
 * worth refusing a peer that is merely fast.
 */
export class Pace implements Disposable {
  #left = BURST;
  #since = performance.now();
  #rested = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wake = () => {};

  /** One message came; resolves when the next one may be read. */
  async taken(): Promise<void> {
    const now = performance.now();
    this.#left = Math.min(BURST, this.#left + (now - this.#since) / 1000 * PER_SECOND) - 1;
    this.#since = now;
    if (this.#left > 0 && now - this.#rested < BREATH_MS) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#timer = setTimeout(resolve, this.#left > 0 ? 0 : 1000 / PER_SECOND);
    });
    this.#rested = performance.now();
  }

  /** Ends a wait that is under way. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#wake();
  }
}
