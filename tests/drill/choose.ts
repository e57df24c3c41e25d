/** Which rows are performed, and in which order. Pure. */

import { positionOf } from "./course.ts";
import { randomOf, shuffled } from "./random.ts";
import { pairKey, type Row, rowName } from "./row.ts";
import { thinned } from "./thin.ts";

/**
 * How many of the rows: every one there is; those of an ordinary run; or only so many of these that
 * each pair and each kind of fault still comes, for a run that has no time.
 */
export type Extent = "all" | "ordinary" | "thin";

/** What was asked for. */
export interface Choice {
  readonly extent: Extent;
  /** Only rows whose name holds this, or fits it when it is an expression between slashes. */
  readonly filter: string;
  readonly seed: number;
  /** How often each row is performed. */
  readonly repeat: number;
}

/** A row, and the how many-th time it is performed. */
export interface Turn {
  readonly row: Row;
  readonly repetition: number;
}

/** The turns of a run, in the order that the seed gives them; `rows` are those of one place. */
export function turnsOf(rows: readonly Row[], { extent, filter, seed, repeat }: Choice): Turn[] {
  const wanted = nameFilter(filter);
  const chosen = within(rows, extent).filter((row) => wanted(rowName(row)));
  return Array.from(
    { length: repeat },
    (_, repetition) =>
      shuffled(chosen, randomOf(seed + repetition)).map((row) => ({ row, repetition })),
  ).flat();
}

function within(rows: readonly Row[], extent: Extent): readonly Row[] {
  if (extent === "all") return rows;
  const ordinary = rows.filter(isOrdinary);
  return extent === "thin" ? thinned(ordinary) : ordinary;
}

/** As Deno's test runner has it. */
function nameFilter(filter: string): (name: string) => boolean {
  const expression = /^\/(.+)\/$/.exec(filter)?.[1];
  if (expression === undefined) return (name) => name.includes(filter);
  const compiled = new RegExp(expression);
  return (name) => compiled.test(name);
}

/** Random numbers for a turn: the same in every run of that seed, whatever ran before it. */
export function randomFor(seed: number, { row, repetition }: Turn): () => number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${seed} ${repetition} ${rowName(row)}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return randomOf(hash);
}

/**
 * An ordinary run leaves out some of the rows that mostly wait or repeat others: what stands still, a
 * cable, a full disk come at every third pair of the course; a second fault kills one of the phauls; a
 * message is not delayed, nor the connection cut behind it as it is before the next one.
 */
function isOrdinary({ place, pair, fault, approach, mode }: Row): boolean {
  const key = pairKey(pair);
  if (mode) return true;
  if (place !== "host") return isOrdinaryInGuests(place, key);
  if (fault.kind === "message") return fault.act !== "delay" && fault.act !== "cut-after";
  if (approach) return fault.kind !== "kill" || fault.part === `${pair.side} phaul`;
  if (fault.kind === "stop" || fault.kind === "cut" || fault.kind === "fill") {
    return positionOf(key) % 3 === 0;
  }
  return true;
}

/** Emulated guests are slow: what only they can show, and for machines a pair of each phase. */
function isOrdinaryInGuests(place: "lane" | "machines", key: string): boolean {
  if (place === "lane") return positionOf(key) === -1;
  return PHASES.includes(key);
}

/** Before the freeze, prepared, committed, handed over. */
const PHASES: readonly string[] = [
  "source copying copied",
  "source frozen ready",
  "source intended written",
  "source handing-over acknowledged",
];
