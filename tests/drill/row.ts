/** What one row of the drill is: a pair of state and event, and the fault that comes there. */

import type { Pair } from "../../src/migrate/tables.ts";
import type { Act, Direction } from "./plan.ts";

/** Something that can be killed or stopped. `tree` is the source's, `copy` the destination's. */
export type Part =
  | "source phaul"
  | "destination phaul"
  | "both phauls"
  | "source criu"
  | "destination criu"
  | "fault server"
  | "tree"
  | "copy";

/** A disk that can be full: of journals, or of images. */
export type Disk = "source state" | "destination state" | "source work" | "destination work";

/** What comes in between. */
export type Fault =
  | { readonly kind: "none" }
  | { readonly kind: "kill"; readonly part: Part }
  /** Stopped for longer than anybody waits, then let go on. */
  | { readonly kind: "stop"; readonly part: Part }
  | { readonly kind: "signal"; readonly to: "source" | "destination" }
  /** The cable is pulled, and put back when both sides have seen it. */
  | { readonly kind: "cut" }
  | { readonly kind: "fill"; readonly disk: Disk }
  | {
    readonly kind: "message";
    readonly direction: Direction;
    readonly message: string;
    readonly act: Act;
  }
  /** Power off and on. */
  | { readonly kind: "reset"; readonly host: "source" | "destination" };

/** Where rows take place. */
export const PLACES = ["host", "lane", "machines"] as const;

/** One of {@linkcode PLACES}. */
export type Place = (typeof PLACES)[number];

/** How a phaul gets to the pair, where an undisturbed migration does not come by. */
export interface Approach {
  /** Where the first fault comes: a pair of an undisturbed migration. */
  readonly at: Pair;
  readonly first: Fault;
  /** A stage at which the side's hook keeps it for a moment, for the fault's event to come meanwhile. */
  readonly hook?: string;
  /** The pair is one of a phaul that is started after that, to recover. */
  readonly then?: "recover" | "serve";
}

/** One row. */
export interface Row {
  readonly place: Place;
  readonly pair: Pair;
  readonly fault: Fault;
  readonly approach?: Approach;
  /** How memory moves; before the switchover when it is not said. */
  readonly mode?: "post-copy";
  /** The fault comes not at the pair, but while memory travels that will lead to it. */
  readonly inDrain?: boolean;
  /** What must have become of the process. */
  readonly expected: Expected;
}

/**
 * - `one`: one copy runs in the end, all of it.
 * - `gone`: the fault itself ended the process; nothing of it may rise again.
 * - `either`: the fault itself may have ended it, depending on who came first.
 * - `lost`: the fault took memory that its copy needs; phaul has to say so, and a person ends the copy.
 */
export type Expected = "one" | "gone" | "either" | "lost";

/** The fault in a few words, as the table shows it. */
export function faultName(fault: Fault): string {
  switch (fault.kind) {
    case "none":
      return "nothing more";
    case "kill":
      return `kill ${fault.part}`;
    case "stop":
      return `stop ${fault.part}`;
    case "signal":
      return fault.to === "source" ? "Ctrl-C at the source" : "SIGTERM to the destination";
    case "cut":
      return "cut the link";
    case "fill":
      return `fill the ${fault.disk} disk`;
    case "message":
      return `${fault.act} "${fault.message}"`;
    case "reset":
      return `reset the ${fault.host} machine`;
    default:
      return fault satisfies never;
  }
}

/** The fault of a row, told apart from the same one of another mode or moment. */
export function rowFault({ fault, mode, inDrain }: Row): string {
  const moment = inDrain ? " in the drain" : "";
  return `${faultName(fault)}${moment}${mode ? `, ${mode}` : ""}`;
}

/** Of a pair. */
export function pairKey({ side, state, event }: Pair): string {
  return `${side} ${state} ${event}`;
}

/** Tells rows apart: rows of one key in two places are one row. */
export function rowKey(row: Row): string {
  return `${pairKey(row.pair)}: ${rowFault(row)}`;
}

/** A row as `--filter` and the progress lines know it. */
export function rowName(row: Row): string {
  return `${row.place}: ${rowKey(row)}`;
}
