/**
 * Cancels a migration that another phaul on this host works on.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { lives, signalProcess } from "../proc/mod.ts";
import type { Whereabouts } from "./events.ts";
import { type BeginRecord, findRecord, type JournalName, JournalStore } from "../journal/mod.ts";
import { connectToServe } from "./local_serve.ts";
import type { CancelOptions } from "./options.ts";
import { chosen, whereaboutsIn } from "./standing.ts";

const LOOK_MS = 50;

/** What became of it. */
export interface Cancelled {
  readonly migration: string;
  /** Where the process is now. */
  readonly whereabouts: Whereabouts;
}

/**
 * Cancels as Ctrl-C would, and waits for what comes of it: before the commit the tree goes on at the
 * source, after it the migration is finished.
 *
 * @throws PhaulError `no-such-migration`; `stalled` when it does not end in time
 */
export async function cancel(options: CancelOptions): Promise<Cancelled> {
  const store = new JournalStore(options.stateDir);
  // The source's side first, where one host is both.
  const [name] = chosen(await store.list(), options.migration);
  const migration = name?.migration ?? options.migration;
  if (name?.side !== "source") return await cancelByServe(migration, options);
  const begin = findRecord(await store.read(name) ?? [], "BEGIN");
  if (!begin || !store.isLive(name) || !signalProcess(begin.phaul, "SIGINT")) {
    throw new PhaulError("busy", `Cannot cancel migration ${migration}: no phaul works on it`, {
      remedy: `Run: phaul recover ${migration}`,
    });
  }
  return { migration, whereabouts: await outcome(store, name, begin, options.timeouts.stepMs) };
}

/** On a destination that holds a complete copy only the source may say that it gives up. */
async function cancelByServe(
  migration: string,
  { stateDir, timeouts }: CancelOptions,
): Promise<Cancelled> {
  using serve = await connectToServe(stateDir, timeouts);
  const { standings } = await serve.request({ type: "cancel", migrationId: migration });
  return { migration, whereabouts: whereaboutsIn(standings[0]?.state ?? "") };
}

/** The journal goes when all is settled, and tells before that whether the commit was first. */
async function outcome(
  store: JournalStore,
  name: JournalName,
  begin: BeginRecord,
  deadlineMs: number,
): Promise<Whereabouts> {
  const until = performance.now() + deadlineMs;
  for (let committed = false; performance.now() < until;) {
    const records = await store.read(name);
    committed ||= (records ?? []).some(({ record: { mark } }) =>
      mark === "LENT" || mark === "COMMIT"
    );
    if (records === undefined && lives(begin)) return "source";
    if (records === undefined) return committed ? "destination" : "gone";
    // Its phaul has died, which leaves more than a cancel would.
    if (!store.isLive(name)) return "in-doubt";
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new PhaulError(
    "stalled",
    `Cannot tell yet what became of migration ${name.migration}: it has not ended`,
    { remedy: `See "phaul status ${name.migration}"` },
  );
}
