/**
 * When each stage of a migration was reached.
 *
 * @module
 */

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

/** Writes stages down as they come. */
export class Timeline {
  readonly #begunMs = performance.now();
  readonly #entries: TimelineEntry[] = [];

  /** Takes in one event. */
  take(event: HaulEvent): void {
    const name = event.event === "iteration-begin"
      ? event.final ? "final-dump" : `iteration-${event.iteration}`
      : STAGES.has(event.event)
      ? event.event
      : undefined;
    if (name !== undefined) this.#entries.push({ name, atMs: performance.now() - this.#begunMs });
  }

  /** What was reached so far, in order. */
  get entries(): readonly TimelineEntry[] {
    return [...this.#entries];
  }

  /** What a switchover of so many milliseconds, which ended with `running`, was made of. */
  partsOf(switchoverMs: number): SwitchoverParts | undefined {
    const [frozen, prepared, running] = ["frozen", "prepared", "running"].map((name) =>
      this.#entries.find((entry) => entry.name === name)?.atMs
    );
    if (frozen === undefined || prepared === undefined || running === undefined) return undefined;
    return {
      dumpMs: Math.max(0, frozen - (running - switchoverMs)),
      restoreMs: prepared - frozen,
      handoverMs: running - prepared,
    };
  }
}
