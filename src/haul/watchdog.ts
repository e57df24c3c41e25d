/**
 * Notices that nothing moves any more. CRIU has no timeout of its own: without this, a silent peer
 * would leave the tree frozen for ever.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

/** What a watchdog looks at. */
export interface Watched {
  /** Anything that changes as work goes on. */
  progress(): string;
  /** True while waiting is right and bounded by another deadline; unless given, outside of `during`. */
  paused?(): boolean;
  /** Called each time the bound has passed without progress. */
  stalled(error: PhaulError): void;
}

/** Checks for progress until it is disposed of. */
export class Watchdog implements Disposable {
  readonly #timer: number;
  #works = 0;

  /** @param stallMs How long nothing may move. */
  constructor(stallMs: number, watched: Watched) {
    let last = watched.progress();
    let since = performance.now();
    this.#timer = setInterval(() => {
      const now = watched.progress();
      if (now !== last || (watched.paused?.() ?? this.#works === 0)) {
        last = now;
        since = performance.now();
      } else if (performance.now() - since >= stallMs) {
        since = performance.now();
        watched.stalled(stallError(stallMs));
      }
    }, Math.min(1000, stallMs / 4));
  }

  /** Does work that has to make progress all the time. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#works++;
    try {
      return await work();
    } finally {
      this.#works--;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function stallError(stallMs: number): PhaulError {
  return new PhaulError("stalled", `Cannot go on: nothing moved for ${stallMs / 1000} s`, {
    remedy: "Look at the network and at the load of both hosts, or raise --stall-timeout",
  });
}

/** How long a tree may stand frozen, as its operator allows. */
export class FrozenLimit {
  readonly #maxMs: number | undefined;
  #timer: number | undefined;

  /** @param maxMs No bound when not given. */
  constructor(maxMs: number | undefined) {
    this.#maxMs = maxMs;
  }

  /** It is about to be frozen; `over` is called when that has lasted too long. */
  begin(over: (error: PhaulError) => void): void {
    const maxMs = this.#maxMs;
    if (maxMs === undefined) return;
    this.#timer = setTimeout(() => over(frozenTooLong(maxMs)), maxMs);
  }

  /** It no longer matters. */
  end(): void {
    clearTimeout(this.#timer);
  }
}

function frozenTooLong(maxFrozenMs: number): PhaulError {
  return new PhaulError(
    "stalled",
    `Cannot go on: the process was frozen for ${maxFrozenMs / 1000} s`,
    { remedy: "Let less be left for the freeze (--max-iters, --min-pages), or raise --max-frozen" },
  );
}
