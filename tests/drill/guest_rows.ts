/** The rows in guests: what needs pre-copy, and what needs a machine to die. Pure. */

import { COURSE, positionOf } from "./course.ts";
import { type Expected, type Fault, pairKey, type Part, type Row } from "./row.ts";

/** A further iteration: only a kernel that tracks dirty pages lets a migration come by. */
const ITERATION = { side: "destination", state: "receiving", event: "iteration" } as const;

const kill = (part: Part): Fault => ({ kind: "kill", part });

/** In one guest: between two pre-dumps, and the hardest pairs of the course after pre-copy. */
export function laneRows(): Row[] {
  const between: readonly Fault[] = [
    kill("source phaul"),
    kill("destination phaul"),
    kill("both phauls"),
    kill("source criu"),
    kill("tree"),
    { kind: "stop", part: "destination phaul" },
    { kind: "signal", to: "source" },
    { kind: "signal", to: "destination" },
    { kind: "cut" },
  ];
  const killed = [kill("source phaul"), kill("destination phaul"), kill("both phauls")];
  const copying = between.map((fault): Row => ({
    place: "lane",
    pair: ITERATION,
    fault,
    expected: fault.kind === "kill" && fault.part === "tree" ? "gone" : "one",
  }));
  const later = COURSE.filter((pair) => positionOf(pairKey(pair)) >= FIRST_AFTER_COPY)
    .flatMap((pair) =>
      killed.map((fault): Row => ({ place: "lane", pair, fault, expected: "one" }))
    );
  return [...copying, ...later];
}

const FIRST_AFTER_COPY = positionOf("source dumping dumped");

/** On two machines: each of them loses its power at each phase. */
export function machineRows(): Row[] {
  return COURSE.flatMap((pair) =>
    (["source", "destination"] as const).map((host): Row => ({
      place: "machines",
      pair,
      fault: { kind: "reset", host },
      expected: afterReset(positionOf(pairKey(pair)), host),
    }))
  );
}

/**
 * A reset of the host that has the process ends it, as any reboot would. From PREPARED on the
 * destination has a complete copy, but in memory: a reset of the destination after COMMIT loses it.
 */
function afterReset(position: number, host: "source" | "destination"): Expected {
  if (host === "source") return position < PREPARED ? "gone" : "one";
  return position < COMMITTED ? "one" : "gone";
}

const PREPARED = positionOf("source frozen ready");
const COMMITTED = positionOf("source intended written");
