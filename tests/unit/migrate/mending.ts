/**
 * What people do after a failure: start what died, recover on both hosts, and where that does not
 * suffice, give their word.
 */

import { destinationReopened } from "./destination_model.ts";
import { ordinary } from "./explore.ts";
import { tellDestination, tellSource } from "./link_model.ts";
import type { Rules } from "./rules.ts";
import { sourceDeadlines, sourceReopened } from "./source_model.ts";
import { change, victimRuns, type World } from "./world.ts";

/** Where the process is, in the end. */
export type Whereabouts = "source" | "destination" | "over" | "nowhere";

/** What mending came to. */
export interface Mended {
  readonly world: World;
  readonly whereabouts: Whereabouts;
  /** Nothing less than an operator's word helped. */
  readonly forced: boolean;
}

/** More steps than any recovery takes. */
const STEPS = 400;

/** Where exactly one copy runs. */
export function whereabouts(world: World): Whereabouts {
  if (world.past.over) return "over";
  if (victimRuns(world)) return "source";
  return world.copy.tree === "running" && world.copy.whole ? "destination" : "nowhere";
}

/**
 * Recovers on both hosts, with the link in order, and forces only what nothing else brings back.
 *
 * @param onStep Sees each world on the way, until somebody has to give his word.
 */
export function mend(
  world: World,
  rules: Rules,
  onStep: (world: World) => void = () => {},
): Mended {
  let next = recovered(world, rules, onStep);
  if (whereabouts(next) !== "nowhere") {
    return { world: next, whereabouts: whereabouts(next), forced: false };
  }
  next = recovered(forced(next), rules, () => {});
  return { world: next, whereabouts: whereabouts(next), forced: true };
}

function recovered(world: World, rules: Rules, onStep: (world: World) => void): World {
  let next = settled(world, rules, onStep);
  // The second time each side may know what the other one has become.
  for (let round = 0; round < 2; round++) {
    next = settled(destinationReopened(next, rules) ?? next, rules, onStep);
    next = settled(sourceReopened(next, rules) ?? next, rules, onStep);
  }
  return next;
}

/** Runs until nothing happens any more; deadlines pass, and what was lost is sent again. */
function settled(world: World, rules: Rules, onStep: (world: World) => void): World {
  let next = world;
  for (let steps = 0; steps < STEPS; steps++) {
    const [step] = ordinary(next, rules, () => {});
    const [deadline] = step ? [] : sourceDeadlines(next);
    const taken = step ?? deadline;
    if (!taken) return next;
    next = taken.world;
    onStep(next);
  }
  return next;
}

/** `--force-destination`, on the host whose side has to decide. */
function forced(world: World): World {
  const next = change(world, "past", { unbound: true });
  if (world.source.state === "undecided") {
    return tellSource(change(next, "source", { ended: false }), "force-destination");
  }
  return tellDestination(next, "force-destination");
}
