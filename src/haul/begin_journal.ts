/**
 * The beginning of a source's journal.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { Victim } from "../check/mod.ts";
import { lives, ownIdentity, type ProcessIdentity } from "../proc/mod.ts";
import type { HaulEvent } from "./events.ts";
import {
  type BeginRecord,
  type DiskJournal,
  findRecord,
  type JournalName,
  JournalStore,
} from "../journal/mod.ts";
import type { MigrateOptions } from "./options.ts";
import { recoverSource } from "./source_recovery.ts";
import type { Stages } from "./stages.ts";
import { workDirPath } from "./work_dir.ts";

const LOCK_TRIES = 100;
const LOCK_PAUSE_MS = 100;

/**
 * Begins the journal, with what a recovery needs to know of the migration. What an interrupted one of the
 * same process has left is rolled back before.
 *
 * @throws PhaulError `busy` when another migration of the process is under way or cannot be rolled back;
 * `no-space`, `directory-unusable`
 */
export async function beginJournal(
  options: MigrateOptions,
  migration: string,
  { pid, comm, processes }: Victim,
  stages: Stages,
): Promise<DiskJournal> {
  const store = new JournalStore(options.stateDir);
  const startTimeTicks = processes[0]?.startTimeTicks ?? "";
  await endInterrupted(store, { pid, startTimeTicks }, options, stages);
  const { peer, tokenFile, insecure, archive, workDir: base, keepImages = false } = options;
  const journal = await store.create({ migration, side: "source" }, {
    mark: "BEGIN",
    ...{ pid, startTimeTicks, comm, peer, tokenFile, insecure, keepImages },
    workDir: workDirPath(base, migration, "source"),
    phaul: ownIdentity(),
    ...(archive === undefined ? {} : { archive }),
  });
  // Two that began at the same time have seen nothing of each other: both would spoil the other's dumps.
  const others = (await journalsOf(store, { pid, startTimeTicks })).filter(({ name }) =>
    name.migration !== migration && store.isLive(name)
  );
  if (others[0] === undefined) return journal;
  await journal.remove();
  throw taken(pid, others[0].name.migration, "is under way", "cancel");
}

/** The source's journals of that process; one that cannot be read is nobody's. */
async function journalsOf(
  store: JournalStore,
  victim: ProcessIdentity,
): Promise<{ readonly name: JournalName; readonly begin: BeginRecord }[]> {
  const sources = (await store.list()).filter(({ side }) => side === "source");
  const found = await Promise.all(sources.map(async (name) => {
    const begin = findRecord(await store.read(name).catch(() => undefined) ?? [], "BEGIN");
    return begin === undefined ? [] : [{ name, begin }];
  }));
  return found.flat().filter(({ begin }) =>
    begin.pid === victim.pid && begin.startTimeTicks === victim.startTimeTicks
  );
}

/**
 * Rolls back what an interrupted migration of the same process has left: done later, it would be done to
 * a tree that this migration works on.
 */
async function endInterrupted(
  store: JournalStore,
  victim: ProcessIdentity,
  options: MigrateOptions,
  stages: Stages,
): Promise<void> {
  for (const { name } of await journalsOf(store, victim)) {
    const { migration } = name;
    stages.warn(
      `Migration ${migration} of process ${victim.pid} was begun before: ending it first`,
    );
    const sink = (event: HaulEvent) => event.event === "warning" && stages.warn(event.message);
    if (await lockedFor(store, name)) throw taken(victim.pid, migration, "is under way", "cancel");
    const [recovered] = await recoverSource(store, name, { timeouts: options.timeouts }, sink);
    // Settled or not: what the peer has to be told stays in its journal.
    if (recovered === undefined || recovered.state === "aborted") continue;
    if (recovered.state === "done") {
      throw new PhaulError(
        "process-gone",
        `Cannot migrate process ${victim.pid}: migration ${migration} has handed it over by now`,
      );
    }
    throw taken(victim.pid, migration, "was interrupted", "recover");
  }
}

/** A phaul serve that recovers it has it for seconds at most. */
async function lockedFor(store: JournalStore, name: JournalName): Promise<boolean> {
  for (let tries = 0; tries < LOCK_TRIES; tries++) {
    if (!store.isLive(name)) return false;
    const begin = findRecord(await store.read(name) ?? [], "BEGIN");
    if (begin && lives(begin.phaul)) return true;
    await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
  }
  return true;
}

function taken(pid: number, migration: string, why: string, command: string): PhaulError {
  return new PhaulError(
    "busy",
    `Cannot migrate process ${pid}: migration ${migration} of it ${why}`,
    { remedy: `Run: phaul ${command} ${migration}` },
  );
}
