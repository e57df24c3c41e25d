/**
 * Recovers, beside a phaul serve, what a `phaul migrate` that died on the same host has left.
 *
 * @module
 */

import type { EventSink } from "./events.ts";
import type { JournalStore } from "./journal_store.ts";
import type { ServeOptions } from "./options.ts";
import { recoverSource } from "./recover.ts";

/** How often is looked for one, and again for a peer that could not be reached. */
const EVERY_MS = 30_000;
/** How long one attempt to reach a peer lasts. */
const ATTEMPT_MS = 5_000;

/** Does what is safe, at once and then every half minute, until it is disposed of. */
export function keepRecovering(
  store: JournalStore,
  options: ServeOptions,
  sink: EventSink,
): AsyncDisposable {
  let under = Promise.resolve();
  const timeouts = { ...options.timeouts, commitMs: ATTEMPT_MS };
  const look = () => {
    under = under.then(() => recoverSources(store, { ...options, timeouts }, sink)).catch(() => {});
  };
  look();
  const timer = setInterval(look, EVERY_MS);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await under;
    },
  };
}

async function recoverSources(
  store: JournalStore,
  options: ServeOptions,
  sink: EventSink,
): Promise<void> {
  for (const name of await store.list()) {
    if (name.side !== "source" || store.isLive(name)) continue;
    await recoverSource(store, name, options, sink);
  }
}
