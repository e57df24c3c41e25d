/** The course of an undisturbed migration through both tables, and who is alive where on it. Pure. */

import {
  allPairs,
  DESTINATION_TABLE,
  type Pair,
  type Side,
  SOURCE_TABLE,
  type Table,
} from "../../src/migrate/tables.ts";
import { pairKey, type Part } from "./row.ts";

/**
 * In the order in which they come, both sides together. A test follows the tables along it; a step that
 * is added to a table and left out here makes that test fail.
 */
export const COURSE: readonly Pair[] = [
  step("source", "checked", "start"),
  step("destination", "admitted", "iteration"),
  step("source", "copying", "copied"),
  step("source", "dumping", "dumped"),
  step("destination", "receiving", "prepare"),
  step("destination", "restoring", "restored"),
  step("destination", "restoring", "written"),
  step("source", "frozen", "ready"),
  step("source", "intended", "stopped"),
  step("source", "intended", "written"),
  step("source", "committed", "criu-ended"),
  step("source", "committed", "dead"),
  step("destination", "prepared", "commit"),
  step("destination", "prepared", "written"),
  step("destination", "resuming", "continued"),
  step("source", "handing-over", "acknowledged"),
];

/** The first and the last pair of {@linkcode COURSE} at which a part is there. */
const ALIVE: Readonly<Record<Part, readonly [string, string]>> = {
  "source phaul": ["source checked start", "source handing-over acknowledged"],
  "destination phaul": ["source checked start", "source handing-over acknowledged"],
  "both phauls": ["source checked start", "source handing-over acknowledged"],
  "source criu": ["source copying copied", "source intended written"],
  "destination criu": ["source copying copied", "destination receiving prepare"],
  "fault server": ["source copying copied", "destination receiving prepare"],
  "tree": ["source checked start", "source intended written"],
  "copy": ["destination restoring restored", "destination prepared written"],
};

/** Whether a part is there when a migration comes by that pair of its course. */
export function isThere(part: Part, pair: Pair): boolean {
  const [first, last] = ALIVE[part].map(positionOf);
  const position = positionOf(pairKey(pair));
  return first !== undefined && last !== undefined && first <= position && position <= last;
}

/** Where on the course; -1 beside it. */
export function positionOf(key: string): number {
  return COURSE.findIndex((pair) => pairKey(pair) === key);
}

/** The pair of the course by which a side gets into `state`; none for the first state. */
export function entryOf(side: Side, state: string): Pair | undefined {
  return COURSE.find((pair) =>
    pair.side === side && pair.state !== state && destinationOf(pair) === state
  );
}

/** Where the tables lead from a pair; undefined when it is impossible there. */
export function destinationOf({ side, state, event }: Pair): string | undefined {
  const table: Table<string, string, string> = side === "source" ? SOURCE_TABLE : DESTINATION_TABLE;
  const row = table[state]?.[event];
  return row === undefined || row === "impossible" ? undefined : row.to;
}

/** Every pair that can occur, as a set of keys. */
export function knownPairs(): ReadonlySet<string> {
  return new Set(allPairs().map(pairKey));
}

function step(side: Side, state: string, event: string): Pair {
  return { side, state, event };
}
