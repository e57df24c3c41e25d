/**
 * When each stage of a migration was reached.
 *
 * @module
 */

import type { Side } from "../migrate/tables.ts";
import { maxSteps, type Step } from "../wire/mod.ts";
import type { HaulEvent, Stage, SwitchoverParts, TimelineEntry } from "./events.ts";

const STAGES: ReadonlySet<string> = new Set<Stage>([
  "checked",
  "connected",
  "frozen",
  "prepared",
  "committed",
  "running",
  "drained",
]);

const MAX_ENTRIES = 500;

/** Writes stages down as they come. */
export class Timeline {
  readonly #on: Side;
  readonly #begunMs = performance.now();
  readonly #entries: TimelineEntry[] = [];

  constructor(on: Side) {
    this.#on = on;
  }

  /** Takes in one event. */
  take(event: HaulEvent): void {
    if (event.event === "destination-steps") return this.#takeSteps(event.steps);
    const name = event.event === "iteration-begin"
      ? event.final ? "final-dump" : `iteration-${event.iteration}`
      : STAGES.has(event.event)
      ? event.event
      : undefined;
    if (name !== undefined) this.mark(name);
  }

  /** Something that is no stage was reached now. */
  mark(name: string): void {
    this.#add({ name, on: this.#on, atMs: this.#now });
  }

  /** What was reached so far, in order. */
  get entries(): readonly TimelineEntry[] {
    return this.#entries.toSorted((one, other) => one.atMs - other.atMs);
  }

  /** What was reached here since `name` last was, that included, for the other side. */
  stepsSince(name: string): Step[] {
    const first = this.#entries.findLastIndex((entry) => entry.name === name);
    return this.#entries.slice(Math.max(0, first)).slice(0, maxSteps).map((entry) => ({
      name: entry.name,
      agoUs: Math.round((this.#now - entry.atMs) * 1000),
    }));
  }

  /** What a switchover of so many milliseconds, from the freeze on, was made of. */
  partsOf(switchoverMs: number): SwitchoverParts | undefined {
    const [freeze, frozen, prepared] = ["freeze", "frozen", "prepared"].map((name) =>
      this.#entries.findLast((entry) => entry.name === name && entry.on === this.#on)?.atMs
    );
    if (freeze === undefined || frozen === undefined || prepared === undefined) return undefined;
    return {
      dumpMs: frozen - freeze,
      restoreMs: prepared - frozen,
      handoverMs: Math.max(0, switchoverMs - (prepared - freeze)),
    };
  }

  get #now(): number {
    return performance.now() - this.#begunMs;
  }

  #takeSteps(steps: readonly Step[]): void {
    for (const { name, agoUs } of steps) {
      this.#add({ name, on: "destination", atMs: this.#now - agoUs / 1000 });
    }
  }

  /** A peer may have any number of iterations; the end is of more interest than the middle. */
  #add(entry: TimelineEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > MAX_ENTRIES) this.#entries.splice(MAX_ENTRIES / 2, 1);
  }
}
