/**
 * How far a migration is, in one line that is drawn again and again. Pure: it is told the time.
 *
 * @module
 */

import type { HaulEvent } from "../haul/events.ts";
import { count, showBytes, showMs } from "./figures.ts";

const PAGE_BYTES = 4096;
/** The rate is that of the last while: a link changes, and so does what is written. */
const RATE_WINDOW_MS = 2000;
const BAR_CELLS = 20;
/** Below this there is room for more useful things. */
const BAR_COLUMNS = 70;

/** Where a stage leads to, as a person would say it. */
const PHASES: Readonly<Partial<Record<HaulEvent["event"], string>>> = {
  checked: "Checked",
  admitted: "Admitted",
  connected: "Connected",
  frozen: "Frozen: sending the rest",
  prepared: "Prepared: about to commit",
  committed: "Committed: handing over",
  running: "Running on the destination",
  drained: "Done",
};

interface Sample {
  readonly ms: number;
  readonly bytes: number;
}

/** The course of one migration. */
export class Meter {
  #phase = "Beginning";
  #sinceMs: number | undefined;
  #iteration = 0;
  #copying = false;
  #drains = false;
  #final = false;
  #pages = 0;
  #bytes = 0;
  #samples: Sample[] = [];
  /** What this iteration will come to, as far as can be told: all memory, then as much as the last time. */
  #expectedBytes = 0;
  #begunMs: number | undefined;
  /** From the begin of the iteration before to that of this one: what travels was written in it. */
  #windowMs: number | undefined;
  /** Bytes of memory written a second, between the last two iterations. */
  #dirtyRate: number | undefined;
  #predictedMs: number | undefined;

  /** Takes in one event, at a time in milliseconds on any steady clock. */
  take(event: HaulEvent, nowMs: number): void {
    this.#sinceMs ??= nowMs;
    switch (event.event) {
      case "checked":
      case "admitted":
        this.#expectedBytes = event.memoryBytes;
        break;
      case "iteration-begin":
        this.#begin(event, nowMs);
        break;
      case "progress":
        [this.#pages, this.#bytes] = [event.pagesWritten, event.bytes];
        this.#samples.push({ ms: nowMs, bytes: event.bytes });
        this.#samples = this.#samples.filter(({ ms }) => nowMs - ms <= RATE_WINDOW_MS);
        break;
      case "iteration-end":
        this.#ended(event.pagesWritten);
        break;
      case "files-progress":
        this.#copying = false;
        this.#phase = `Files (${event.strategy}): ${showBytes(event.sentBytes)}`;
        break;
      case "draining":
        this.#drain(event, nowMs);
        break;
      case "predicted":
        this.#predictedMs = event.switchoverMs;
    }
    const phase = PHASES[event.event];
    if (phase === undefined) return;
    // A destination is not told when an iteration ends; on a source pages may travel in the freeze.
    if (event.event !== "frozen") this.#copying = false;
    this.#phase = phase;
  }

  #ended(pages: number): void {
    this.#expectedBytes = pages * PAGE_BYTES;
    if (this.#windowMs) this.#dirtyRate = this.#expectedBytes / (this.#windowMs / 1000);
    this.#copying = false;
  }

  #begin(event: HaulEvent & { readonly event: "iteration-begin" }, nowMs: number): void {
    if (this.#copying) this.#ended(this.#pages);
    this.#windowMs = this.#begunMs === undefined ? undefined : nowMs - this.#begunMs;
    this.#begunMs = nowMs;
    [this.#iteration, this.#final] = [event.iteration, event.final];
    [this.#pages, this.#bytes, this.#samples] = [0, 0, [{ ms: nowMs, bytes: 0 }]];
    this.#copying = true;
  }

  /** Memory that follows: how much is left, how fast it comes, and how long processes wait for it. */
  #drain(event: HaulEvent & { readonly event: "draining" }, nowMs: number): void {
    const bytes = (event.pages - event.pagesLeft) * PAGE_BYTES;
    if (!this.#drains) this.#samples = [];
    this.#drains = true;
    this.#samples.push({ ms: nowMs, bytes });
    this.#samples = this.#samples.filter(({ ms }) => nowMs - ms <= RATE_WINDOW_MS);
    const rate = this.#rate;
    const left = event.pagesLeft * PAGE_BYTES;
    const parts = [
      `Running there; ${showBytes(left)} of its memory to come`,
      ...(rate > 0 ? [`${showBytes(Math.round(rate))}/s, ${showMs(left / rate * 1000)} left`] : []),
      ...(event.waits > 0
        ? [`${count(event.waits, "wait")} of ${showMs(event.waitMedianUs / 1000)}`]
        : []),
    ];
    this.#phase = parts.join(", ");
  }

  /** The line, in at most `columns` columns: what matters least is left out first. */
  line(columns: number, nowMs: number): string {
    const fields = this.#copying ? this.#copyFields(columns) : [this.#phase];
    if (this.#sinceMs !== undefined && !this.#copying) fields.push(showMs(nowMs - this.#sinceMs));
    let line = "";
    for (const field of fields) {
      const longer = line === "" ? field : `${line}  ${field}`;
      if (longer.length > columns) break;
      line = longer;
    }
    return line === "" ? (fields[0] ?? "").slice(0, columns) : line;
  }

  #copyFields(columns: number): string[] {
    const rate = this.#rate;
    const left = this.#expectedBytes - this.#bytes;
    return [
      this.#final ? "Final dump" : `Iteration ${this.#iteration}`,
      ...(columns >= BAR_COLUMNS && this.#expectedBytes > 0 ? [this.#bar] : []),
      `${count(this.#pages, "page")}, ${showBytes(this.#bytes)}`,
      ...(rate > 0 ? [`${showBytes(Math.round(rate))}/s`] : []),
      ...(rate > 0 && left > 0 ? [`${showMs(left / rate * 1000)} left`] : []),
      ...(this.#dirtyRate === undefined
        ? []
        : [`written ${showBytes(Math.round(this.#dirtyRate))}/s`]),
      ...(this.#predictedMs === undefined ? [] : [`switchover ${showMs(this.#predictedMs)}`]),
    ];
  }

  get #rate(): number {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || last.ms <= first.ms) return 0;
    return (last.bytes - first.bytes) / ((last.ms - first.ms) / 1000);
  }

  /** Full only when it is over: what is expected is a guess. */
  get #bar(): string {
    const part = Math.min(this.#bytes / this.#expectedBytes, 0.99);
    const filled = Math.floor(part * BAR_CELLS);
    return `[${"#".repeat(filled)}${"-".repeat(BAR_CELLS - filled)}]`;
  }
}
