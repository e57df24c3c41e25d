/**
 * Recovers what a `phaul migrate` that died has left on its host.
 *
 * @module
 */

import { giveBackUnit, lives } from "../proc/mod.ts";
import type { EventSink, Whereabouts } from "./events.ts";
import {
  type BeginRecord,
  type DiskJournal,
  findRecord,
  type JournalName,
  type JournalStore,
} from "../journal/mod.ts";
import type { RecoverOptions, ServeOptions } from "./options.ts";
import { ReopenedSource } from "./reopened_source.ts";
import { type Recovered, standingOf } from "./standing.ts";

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

/** Recovers one migration whose source was this host; nothing is returned for one that is settled. */
export async function recoverSource(
  store: JournalStore,
  name: JournalName,
  options: Pick<RecoverOptions, "force" | "timeouts">,
  sink: EventSink,
): Promise<Recovered[]> {
  const journal = await store.reopen(name);
  const begin = journal && findRecord(journal.records, "BEGIN");
  if (!journal || !begin) return [];
  const status = standingOf(name, journal.records, false);
  const { migration } = name;
  const { state, error } = await ReopenedSource.run({ migration, begin, journal, options, sink });
  const settled = state === "done" || state === "aborted";
  const whereabouts = state === "done"
    ? "destination"
    : settled
    ? onSource(begin, journal)
    : "in-doubt";
  const warnings = whereabouts === "source" ? await giveBackUnit(begin.pid) : [];
  for (const message of warnings) sink({ event: "warning", migration, message });
  return [{ ...status, state, settled, whereabouts, ...(error ? { error } : {}) }];
}

/** Rolled back, the tree is here; a restart of the host, or its own end, may have taken it. */
function onSource(begin: BeginRecord, { rebooted }: DiskJournal): Whereabouts {
  return !rebooted && lives(begin) ? "source" : "gone";
}
