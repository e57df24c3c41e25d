/**
 * What the demo prints: plain lines with the time since its start, so that they can be piped.
 *
 * @module
 */

import type { GuestProcess } from "../vm/agent.ts";
import type { Tick } from "../vm/witness.ts";

/** A step that takes longer than this says so again and again. */
const STILL_MS = 10_000;
/** A step that took longer than this tells how long. */
const WORTH_TELLING_MS = 1_000;
const TICK_LINE_MS = 500;
const POLL_MS = 50;

/** Prints lines, and shows where the process counts while it waits. */
export class Screen {
  readonly #begunMs = performance.now();
  readonly #followed: { readonly name: string; readonly process: GuestProcess; shown: number }[] =
    [];
  #latest: () => Promise<Tick | undefined> = () => Promise.resolve(undefined);

  /** Time since the start, for people. */
  get elapsed(): string {
    return duration(performance.now() - this.#begunMs);
  }

  /** Prints one line. */
  say(text: string): void {
    const seconds = ((performance.now() - this.#begunMs) / 1000).toFixed(1);
    console.log(`${seconds.padStart(6)} s  ${text}`);
  }

  /** Carries out a step of the preparations, telling that it goes on and how long it took. */
  async step<T>(what: string, work: () => Promise<T>): Promise<T> {
    const begunMs = performance.now();
    this.say(what);
    const taken = () => duration(performance.now() - begunMs);
    const timer = setInterval(() => this.say(`  still at it, ${taken()}`), STILL_MS);
    try {
      const result = await work();
      if (performance.now() - begunMs > WORTH_TELLING_MS) this.say(`  took ${taken()}`);
      return result;
    } finally {
      clearInterval(timer);
    }
  }

  /** From now on {@linkcode until} shows this tick, twice a second. */
  watch(latest: () => Promise<Tick | undefined>): void {
    this.#latest = latest;
  }

  /** From now on {@linkcode until} shows what `process` prints; the signal aborts when it ends. */
  follow(name: string, process: GuestProcess): AbortSignal {
    const ended = new AbortController();
    const end = () => ended.abort();
    process.ended.then(end, end);
    this.#followed.push({ name, process, shown: 0 });
    return ended.signal;
  }

  /**
   * Shows what happens until `reached`, which is given the newest tick.
   *
   * @throws Error when that takes longer than `deadlineMs`
   */
  async until(
    what: string,
    deadlineMs: number,
    reached: (latest: Tick | undefined) => boolean,
  ): Promise<void> {
    const endMs = performance.now() + deadlineMs;
    let shownMs = performance.now();
    let shown: Tick | undefined;
    for (;;) {
      const latest = await this.#latest();
      this.#showOutput();
      const done = reached(latest);
      const moved = latest !== undefined && shown !== undefined && latest.host !== shown.host;
      if (done || moved || performance.now() - shownMs >= TICK_LINE_MS) {
        this.#showTick(latest, shown);
        shown = latest;
        shownMs = performance.now();
      }
      if (done) return;
      if (performance.now() > endMs) {
        throw new Error(`Waited ${duration(deadlineMs)} in vain for ${what}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  #showOutput(): void {
    for (const followed of this.#followed) {
      const { lines } = followed.process.stderr;
      for (const line of lines.slice(followed.shown)) {
        this.say(`  ${followed.name.padEnd(7)}  ${line}`);
      }
      followed.shown = lines.length;
    }
  }

  #showTick(latest: Tick | undefined, shown: Tick | undefined): void {
    if (!latest) return;
    if (latest.sequence === shown?.sequence) return this.say(`  ${"".padEnd(7)}  (nobody counts)`);
    this.say(`  ${latest.host.padEnd(7)}  piggie ${latest.sequence}`);
  }
}

/** Milliseconds as `8.1 s` or `2 min 5 s`. */
function duration(ms: number): string {
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
