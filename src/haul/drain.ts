/**
 * The end of a phaul serve: migrations that run may end, those that do not are given up.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { DestinationRole } from "./destination.ts";
import type { EventSink } from "./events.ts";
import type { Registry } from "./registry.ts";

/** How patient the end is. */
export interface DrainOptions {
  /** How long migrations may go on. */
  readonly drainMs: number;
  /** Ends that patience at once. */
  readonly hurry: AbortSignal;
  /** Whether a connection speaks of that migration: its source is there, and will decide soon. */
  readonly linked: (role: DestinationRole) => boolean;
  readonly sink: EventSink;
}

/** States in which a role waits for somebody else, for as long as that takes. */
const IN_DOUBT = ["prepared", "lost", "uncertain"];
const LOOK_MS = 50;
/** Longer than a hook and the end of a criu take; what has not ended by then, the next phaul finds. */
const GIVE_UP_MS = 90_000;

/** Admits nothing more, and returns when no migration is under way here any more. */
export async function drain(registry: Registry, options: DrainOptions): Promise<void> {
  const { drainMs, hurry, linked, sink } = options;
  registry.drain();
  const goesOn = (role: DestinationRole) =>
    isBusy(role) || role.drain.underWay ||
    ((IN_DOUBT.includes(role.state) || owes(role)) && linked(role));
  await until(() => hurry.aborted || !registry.roles.some(goesOn), drainMs);
  const error = new PhaulError("cancelled", "Cannot go on: the destination is shutting down");
  for (const role of registry.roles.filter(isBusy)) role.interrupt("cancel", error);
  await until(() => !registry.roles.some(isBusy), GIVE_UP_MS);
  for (const { migration, state } of registry.roles) {
    if (!IN_DOUBT.includes(state)) continue;
    const message =
      "The tree that is held here is its source's to decide about: phaul recover there";
    sink({ event: "warning", migration, message });
  }
}

/** Waits until a cancelled role has given up, or has come too far for that. */
export async function cancelDecided(role: DestinationRole, limitMs: number): Promise<void> {
  const undecided = ["admitted", "receiving", "restoring", "discarding"];
  await until(() => !undecided.includes(role.state), limitMs);
}

async function until(over: () => boolean, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  while (!over() && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Runs, and its source will ask once more. */
function owes({ state, drain }: DestinationRole): boolean {
  return state === "running" && drain.owesAnswer;
}

function isBusy({ state }: DestinationRole): boolean {
  return !["running", "discarded", "stranded", ...IN_DOUBT].includes(state);
}
