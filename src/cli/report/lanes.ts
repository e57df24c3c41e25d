/**
 * What was done when, as lanes of a timeline.
 *
 * @module
 */

import type { TimelineEntry } from "../../haul/events.ts";
import type { HistoryEntry } from "../../haul/history.ts";

/** One thing that took its time. */
export interface Lane {
  readonly name: string;
  readonly on: TimelineEntry["on"];
  /** Since the migration began. */
  readonly fromMs: number;
  readonly toMs: number;
}

type On = TimelineEntry["on"];

/** The names of what the switchover consists of: where, from which step to which. */
const SWITCHOVER: readonly (readonly [name: string, on: On, from: string, to: string])[] = [
  ["Dump", "source", "freeze", "frozen"],
  ["Images, and wait", "source", "frozen", "prepared"],
  ["Last pages and images come", "destination", "final-dump", "images"],
  ["Restore", "destination", "images", "restored"],
  ["Journal", "destination", "restored", "prepared"],
  ["Stop, journal, commit", "source", "prepared", "committed"],
  ["End of the old copy, answer", "source", "committed", "running"],
  ["Continue", "destination", "committed", "continued"],
];

/** The whole of it. */
export function lanesOf(entry: HistoryEntry): Lane[] {
  const { side, details: { timeline, iterations } } = entry;
  const end = timeline.at(-1)?.atMs ?? 0;
  const at = moments(entry, side);
  const lanes: Lane[] = [];
  const add = (name: string, on: On, fromMs: number | undefined, toMs: number | undefined) => {
    if (fromMs === undefined || toMs === undefined) return;
    lanes.push({ name, on, fromMs, toMs: Math.max(fromMs, toMs) });
  };
  if (side === "source") add("Checks", side, 0, at("connected") ?? at("final-dump") ?? end);
  for (const { iteration, final, durationMs } of iterations) {
    const from = final ? undefined : at(`iteration-${iteration}`);
    add(`Iteration ${iteration}`, side, from, from && from + durationMs);
  }
  if (iterations.length === 0) {
    const begun = timeline.filter(({ name }) => name.startsWith("iteration-"));
    for (const [index, { name, atMs }] of begun.entries()) {
      const next = begun[index + 1]?.atMs ?? at("final-dump") ?? end;
      add(`Iteration ${name.slice("iteration-".length)}`, side, atMs, next);
    }
  }
  const stop = at("running") ?? at("released") ?? at("aborted") ?? end;
  if (side === "source") add("Switchover: it stands still", side, at("freeze"), stop);
  else add("Final dump, until it runs", side, at("final-dump"), stop);
  add("Memory is filled in", side, at("running"), at("drained"));
  return lanes;
}

/** From the freeze until it ran, or until it was given up. */
export function switchoverLanes(entry: HistoryEntry): Lane[] {
  // The destination gets ready before, while the process still runs.
  const begin = moments(entry, entry.side)("freeze") ?? 0;
  return SWITCHOVER.flatMap(([name, on, from, to]) => {
    const at = moments(entry, on);
    const [fromMs, toMs] = [at(from), at(to)];
    if (fromMs === undefined || toMs === undefined || toMs < fromMs || toMs <= begin) return [];
    return [{ name, on, fromMs: Math.max(begin, fromMs), toMs }];
  });
}

/** When a side reached something last. */
function moments({ details }: HistoryEntry, on: On): (name: string) => number | undefined {
  return (name) =>
    details.timeline.findLast((entry) => entry.name === name && entry.on === on)?.atMs;
}
