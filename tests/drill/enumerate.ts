/** All rows of the drill, from the state tables. Pure. */

import type { Pair } from "../../src/migrate/tables.ts";
import { approaches } from "./approaches.ts";
import { COURSE, isThere, knownPairs, positionOf } from "./course.ts";
import { ACTS, type Direction } from "./plan.ts";
import { postCopyRows } from "./post_copy_rows.ts";
import {
  type Approach,
  type Disk,
  type Expected,
  type Fault,
  pairKey,
  type Part,
  type Row,
  rowKey,
} from "./row.ts";

const PARTS: readonly Part[] = [
  "source phaul",
  "destination phaul",
  "both phauls",
  "source criu",
  "destination criu",
  "fault server",
  "tree",
  "copy",
];
/** Those that can stand still without dying; a stopped tree is nothing that phaul would mind. */
const CAN_STOP: readonly Part[] = [
  "source phaul",
  "destination phaul",
  "source criu",
  "destination criu",
];
const DISKS: readonly Disk[] = [
  "source state",
  "destination state",
  "source work",
  "destination work",
];
/** What comes on top of a fault that led beside the course. */
const SECOND: readonly Fault[] = [
  { kind: "none" },
  { kind: "kill", part: "source phaul" },
  { kind: "kill", part: "destination phaul" },
  { kind: "kill", part: "both phauls" },
];

/** Each message with the pair to which it leads: what its receiver is about to take. */
const MESSAGES: readonly (readonly [Direction, string, string])[] = [
  ["to-destination", "hello", "source checked start"],
  ["to-source", "welcome", "source checked start"],
  ["to-destination", "proof", "source checked start"],
  ["to-source", "accepted", "source checked start"],
  ["to-destination", "check", "source checked start"],
  ["to-source", "checked", "source checked start"],
  ["to-destination", "begin", "source checked start"],
  ["to-source", "begun", "source checked start"],
  ["to-destination", "startIteration", "destination admitted iteration"],
  ["to-source", "iterationStarted", "source copying copied"],
  ["to-destination", "pages chunk", "source dumping dumped"],
  ["to-source", "pages answer", "source dumping dumped"],
  ["to-destination", "stopIteration", "destination receiving prepare"],
  ["to-source", "iterationStopped", "source frozen ready"],
  ["to-destination", "images chunk", "destination receiving prepare"],
  ["to-destination", "prepare", "destination receiving prepare"],
  ["to-source", "ready", "source frozen ready"],
  ["to-destination", "commit", "destination prepared commit"],
  ["to-source", "running", "source handing-over acknowledged"],
];
/** Those that travel only when a migration is given up. */
const LAST_MESSAGES: readonly (readonly [Direction, string, Pair])[] = [
  ["to-destination", "abort", { side: "destination", state: "receiving", event: "abort" }],
  ["to-source", "discarded", { side: "source", state: "rolling-back", event: "criu-ended" }],
];

/** Every row that can take place on this host, in a fixed order, each key once. */
export function hostRows(): Row[] {
  const known = knownPairs();
  const rows = [...courseRows(), ...besideRows(), ...messageRows(), ...postCopyRows()];
  const keys = new Set<string>();
  return rows.filter((row) => {
    const key = rowKey(row);
    if (keys.has(key) || !known.has(pairKey(row.pair))) return false;
    keys.add(key);
    return true;
  });
}

function courseRows(): Row[] {
  return COURSE.flatMap((pair) =>
    faultsAt(pair).map((fault) => ({
      place: "host" as const,
      pair,
      fault,
      expected: expectedOf(pair, fault),
    }))
  );
}

/** What can happen when a migration comes by that pair of its course. */
export function faultsAt(pair: Pair): Fault[] {
  const there = (part: Part) => isThere(part, pair);
  return [
    ...PARTS.filter(there).map((part): Fault => ({ kind: "kill", part })),
    ...CAN_STOP.filter(there).map((part): Fault => ({ kind: "stop", part })),
    { kind: "signal", to: "source" },
    { kind: "signal", to: "destination" },
    { kind: "cut" },
    ...DISKS.map((disk): Fault => ({ kind: "fill", disk })),
  ];
}

function besideRows(): Row[] {
  return approaches().flatMap(({ pair, approach }) =>
    SECOND.filter((fault) => fault.kind !== "none" || !approach.then).map((fault) => ({
      place: "host" as const,
      pair,
      fault,
      approach,
      expected: isTree(approach.first) ? "gone" as const : "one" as const,
    }))
  );
}

function isTree(fault: Fault): boolean {
  return fault.kind === "kill" && fault.part === "tree";
}

function messageRows(): Row[] {
  const along = MESSAGES.map(([direction, message, key]) => ({
    direction,
    message,
    pair: COURSE[positionOf(key)],
    approach: undefined,
  }));
  // Somebody presses Ctrl-C once the tree is frozen.
  const at = COURSE[positionOf("source dumping dumped")];
  const first: Fault = { kind: "signal", to: "source" };
  const givenUp: Approach | undefined = at && { at, first };
  const last = LAST_MESSAGES.map(([direction, message, pair]) => ({
    direction,
    message,
    pair,
    approach: givenUp,
  }));
  return [...along, ...last].flatMap(({ direction, message, pair, approach }) =>
    pair === undefined ? [] : ACTS.map((act) => ({
      place: "host" as const,
      pair,
      fault: { kind: "message" as const, direction, message, act },
      ...(approach ? { approach } : {}),
      expected: "one" as const,
    }))
  );
}

/** Somebody who kills the tree wants it dead, as long as it is the source's to kill. */
function expectedOf(pair: Pair, fault: Fault): Expected {
  if (!isTree(fault)) return "one";
  const position = positionOf(pairKey(pair));
  if (position < positionOf("source intended stopped")) return "gone";
  return position === positionOf("source intended stopped") ? "either" : "one";
}
