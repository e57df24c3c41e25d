/** Rows of migrations whose memory follows the process: what can go wrong while two hosts have it. Pure. */

import type { Pair } from "../../src/migrate/tables.ts";
import type { Expected, Fault, Part, Row } from "./row.ts";

const source = (state: string, event: string): Pair => ({ side: "source", state, event });

const STOPPED = source("intended", "stopped-lending");
const LENT = source("intended", "lent");
const ACKNOWLEDGED = source("lending", "acknowledged");
const DRAINED = source("draining", "drained");
const WRITTEN = source("draining", "written");

/** What the source comes by only where it lends memory, in the order in which that comes. */
export const LENDING_COURSE: readonly Pair[] = [STOPPED, LENT, ACKNOWLEDGED, DRAINED, WRITTEN];

const kill = (part: Part): Fault => ({ kind: "kill", part });
const CTRL_C: Fault = { kind: "signal", to: "source" };
const SIGTERM: Fault = { kind: "signal", to: "destination" };
const CUT: Fault = { kind: "cut" };

/** Each with the faults that come at it. The process is the destination's from LENT on. */
const AT: readonly (readonly [Pair, readonly Fault[]])[] = [
  [STOPPED, [kill("source phaul"), kill("tree"), CUT]],
  [LENT, [kill("source phaul"), kill("both phauls"), kill("copy"), CTRL_C]],
  // The process runs there, and nothing was sent but what it waited for.
  [ACKNOWLEDGED, [kill("destination phaul"), kill("tree"), CUT]],
  [DRAINED, [kill("source phaul"), kill("tree"), CUT]],
  [WRITTEN, [kill("source phaul"), kill("both phauls")]],
];

const IN_DRAIN: readonly Fault[] = [
  kill("source phaul"),
  kill("destination phaul"),
  kill("both phauls"),
  kill("source criu"),
  kill("fault server"),
  kill("tree"),
  kill("copy"),
  CTRL_C,
  SIGTERM,
  CUT,
];

/** All on this host: where another mode is, there is no need for a kernel that tracks dirty pages. */
export function postCopyRows(): Row[] {
  const common = { place: "host", mode: "post-copy" } as const;
  const along = AT.flatMap(([pair, faults]) =>
    faults.map((fault): Row => ({ ...common, pair, fault, expected: expectedAt(pair, fault) }))
  );
  const inDrain = IN_DRAIN.map((fault): Row => ({
    ...{ ...common, pair: DRAINED, inDrain: true, fault },
    expected: isKill(fault, "copy") ? "gone" : expectedAt(ACKNOWLEDGED, fault),
  }));
  const recovering = ["source phaul", "destination phaul"] as const;
  const reopened = recovering.map((part): Row => ({
    ...common,
    pair: source("reopened", "was-lent"),
    fault: kill(part),
    approach: { at: ACKNOWLEDGED, first: kill("source phaul"), then: "recover" },
    expected: "one",
  }));
  return [...along, ...inDrain, ...reopened];
}

/** Until the destination has all memory, the tree that stands still is the only one that has. */
function expectedAt(pair: Pair, fault: Fault): Expected {
  return isKill(fault, "tree") && pair !== DRAINED ? "lost" : "one";
}

function isKill(fault: Fault, part: Part): boolean {
  return fault.kind === "kill" && fault.part === part;
}
