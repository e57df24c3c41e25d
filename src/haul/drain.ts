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

/** Admits nothing more, and returns when no migration is under way here any more. */
export async function drain(registry: Registry, options: DrainOptions): Promise<void> {
  const { drainMs, hurry, linked, sink } = options;
  registry.drain();
  const until = performance.now() + drainMs;
  const goesOn = (role: DestinationRole) =>
    isBusy(role) || (IN_DOUBT.includes(role.state) && linked(role));
  while (registry.roles.some(goesOn) && performance.now() < until && !hurry.aborted) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  const error = new PhaulError("cancelled", "Cannot go on: the destination is shutting down");
  for (const role of registry.roles.filter(isBusy)) {
    role.interrupt("cancel", error);
    if (!IN_DOUBT.includes(role.state)) await role.ended;
  }
  for (const { migration, state } of registry.roles) {
    if (!IN_DOUBT.includes(state)) continue;
    const message = "The held tree stays stopped: only its source can say what becomes of it";
    sink({ event: "warning", migration, message });
  }
}

function isBusy({ state }: DestinationRole): boolean {
  return !["running", "discarded", "stranded", ...IN_DOUBT].includes(state);
}
