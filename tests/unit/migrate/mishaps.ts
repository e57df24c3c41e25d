/**
 * Everything that may go wrong in the model, at any moment, between any two actions.
 */

import { letGo, tellCriuEnded } from "./criu_model.ts";
import {
  continuedInPart,
  copyKilled,
  destinationCrashed,
  destinationReset,
  destinationWriteFails,
  restoreFails,
} from "./destination_model.ts";
import { tellDestination, tellSource } from "./link_model.ts";
import type { Rules } from "./rules.ts";
import { sourceCrashed, sourceReset, sourceWriteFails } from "./source_model.ts";
import { type Asked, change, including, type Step, victimRuns, type World } from "./world.ts";

/** One more thing goes wrong. */
export function mishaps(world: World, rules: Rules): Step[] {
  const steps: Step[] = [];
  const add = (label: string, next: World | undefined) => {
    if (next) steps.push({ label: `! ${label}`, world: next });
  };
  sourceMishaps(world, rules, add);
  destinationMishaps(world, rules, add);
  linkMishaps(world, add);
  if (rules.words) words(world, add);
  return steps;
}

type Add = (label: string, next: World | undefined) => void;

function sourceMishaps(world: World, rules: Rules, add: Add): void {
  const { up, ended, fresh, state } = world.source;
  if (up && !ended) {
    add("source: cancel", tellSource(world, "cancel"));
    // A role that was reopened has neither relay nor watchdog.
    if (fresh) add("source: stalled", tellSource(world, "stalled"));
    if (fresh || state === "rolling-back") add("source: failed", tellSource(world, "failed"));
    add("source's write fails", sourceWriteFails(world, rules));
    add("source's phaul dies", sourceCrashed(world));
  }
  if (!world.past.sourceReset) add("source's host resets", sourceReset(world));
  const { criu, alive, traced } = world.victim;
  if (criu !== "none") add("source's criu dies", tellCriuEnded(letGo(world)));
  // The session that was used for the dump is there until the role ends.
  else if (world.victim.imaged) add("source's idle criu dies", tellCriuEnded(world));
  if (criu === "killing") add("source's criu hangs", change(world, "victim", { criu: "hung" }));
  if (alive) {
    const gone = change(world, "victim", { alive: false });
    const runs = victimRuns(world) && !traced;
    add("the tree is killed", change(gone, "past", runs ? { over: true } : { killed: true }));
  }
}

function destinationMishaps(world: World, rules: Rules, add: Add): void {
  const { up, state } = world.destination;
  if (up && state !== "unknown") {
    add("destination: cancel", tellDestination(world, "cancel"));
    if (state !== "reopened") {
      add("destination: stalled", tellDestination(world, "stalled"));
      add("destination: failed", tellDestination(world, "failed"));
    }
    add("destination's write fails", destinationWriteFails(world, rules));
    for (const next of destinationCrashed(world, rules)) add("destination's phaul dies", next);
  }
  if (!world.past.destinationReset) {
    add("destination's host resets", destinationReset(world, rules));
  }
  add("a restore fails", restoreFails(world));
  add("only a part is continued", continuedInPart(world));
  add("the copy is killed", copyKilled(world));
}

function linkMishaps(world: World, add: Add): void {
  const { up, toDestination, toSource, late } = world.link;
  if (up) {
    const cut = change(world, "link", {
      up: false,
      spoken: false,
      toSource: [],
      toDestination: [],
    });
    const noticed = tellDestination(change(cut, "destination", { waits: [] }), "peer-lost");
    add("the link breaks", world.source.fresh ? tellSource(noticed, "peer-lost") : noticed);
  }
  const [request, ...requests] = toDestination;
  if (request && request !== "eof") {
    const lost = change(world, "link", { toDestination: requests });
    add(`${request} is lost`, lost);
    if (request !== "ask" && request !== "forget") {
      const held = { late: including(late, request as Asked) };
      add(`${request} is delayed`, change(lost, "link", held));
      add(`${request} is doubled`, change(world, "link", held));
    }
  }
  const [answer, ...answers] = toSource;
  if (answer && answer !== "eof") {
    add(`${answer} is lost`, change(world, "link", { toSource: answers }));
  }
}

/** Operators who force, and peers that ask what no source would: nothing is promised after these. */
function words(before: World, add: Add): void {
  const world = change(before, "past", { unbound: true });
  const { source, destination } = world;
  if (destination.up) {
    add("force-source there", tellDestination(world, "force-source"));
    add("force-destination there", tellDestination(world, "force-destination"));
    for (const lie of ["iteration", "prepare", "commit", "abort"] as const) {
      add(`a stray ${lie}`, tellDestination(world, lie));
    }
  }
  if (source.up && (source.state === "undecided" || source.state === "in-doubt")) {
    const listening = change(world, "source", { ended: false });
    add("force-destination here", tellSource(listening, "force-destination"));
    if (source.state === "undecided" || source.journal.includes("LENT")) {
      add("force-source here", tellSource(listening, "force-source"));
    }
  }
}
