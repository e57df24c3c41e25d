/**
 * Recovers what a `phaul migrate` that died has left on its host.
 *
 * @module
 */

import { asPhaulError } from "../errors.ts";
import { lives } from "../proc/mod.ts";
import type { EventSink, Whereabouts } from "./events.ts";
import {
  type BeginRecord,
  type DiskJournal,
  findRecord,
  type JournalName,
  type JournalStore,
} from "../journal/mod.ts";
import type { RecoverOptions, ServeOptions, Timeouts } from "./options.ts";
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
  const ended = new AbortController();
  const timeouts = { ...options.timeouts, commitMs: ATTEMPT_MS };
  const stuck = new Set<string>();
  let looking: Promise<void> | undefined;
  const look = () => {
    looking ??= recoverSources(store, timeouts, { stuck, sink, signal: ended.signal })
      .catch((error) => sink({ event: "warning", message: asPhaulError(error).message }))
      .finally(() => looking = undefined);
  };
  look();
  const timer = setInterval(look, EVERY_MS);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      ended.abort();
      await looking;
    },
  };
}

interface Watch {
  /** Migrations that were told of, and will not be again before they are settled. */
  readonly stuck: Set<string>;
  readonly sink: EventSink;
  readonly signal: AbortSignal;
}

async function recoverSources(
  store: JournalStore,
  timeouts: Timeouts,
  { stuck, sink, signal }: Watch,
): Promise<void> {
  for (const name of await store.list()) {
    if (signal.aborted) return;
    if (name.side !== "source" || store.isLive(name)) continue;
    const { migration } = name;
    const tell: EventSink = (event) => stuck.has(migration) || sink(event);
    try {
      const [recovered] = await recoverSource(store, name, { timeouts }, tell);
      if (recovered?.settled) stuck.delete(migration);
      else stuck.add(migration);
    } catch (error) {
      tell({ event: "warning", migration, message: asPhaulError(error).message });
      stuck.add(migration);
    }
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
  const parts = { migration, begin, journal, options, sink };
  const { state, settled, error } = await ReopenedSource.run(parts);
  const whereabouts = state === "done"
    ? "destination"
    : state === "aborted"
    ? onSource(begin, journal)
    : "in-doubt";
  return [{ ...status, state, settled, whereabouts, ...(error ? { error } : {}) }];
}

/** Rolled back, the tree is here; a restart of the host, or its own end, may have taken it. */
function onSource(begin: BeginRecord, { rebooted }: DiskJournal): Whereabouts {
  return !rebooted && lives(begin) ? "source" : "gone";
}
