/**
 * The beginning of a source's journal.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { ownIdentity, type ProcessIdentity, type Victim } from "../proc/mod.ts";
import type { HaulEvent } from "./events.ts";
import { type DiskJournal, findRecord, JournalStore } from "../journal/mod.ts";
import type { MigrateOptions } from "./options.ts";
import { recoverSource } from "./source_recovery.ts";
import type { Stages } from "./stages.ts";
import { workDirPath } from "./work_dir.ts";

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
  const { peer, tokenFile, insecure, workDir: base } = options;
  return await store.create({ migration, side: "source" }, {
    mark: "BEGIN",
    ...{ pid, startTimeTicks, comm, peer, tokenFile, insecure },
    workDir: workDirPath(base, migration, "source"),
    phaul: ownIdentity(),
  });
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
  for (const name of await store.list()) {
    const begin = findRecord(await store.read(name) ?? [], "BEGIN");
    if (begin?.pid !== victim.pid || begin.startTimeTicks !== victim.startTimeTicks) continue;
    const { migration } = name;
    if (store.isLive(name)) throw taken(victim.pid, migration, "is under way", "cancel");
    stages.warn(`Migration ${migration} of process ${victim.pid} was interrupted: rolling it back`);
    const sink = (event: HaulEvent) => event.event === "warning" && stages.warn(event.message);
    const [recovered] = await recoverSource(store, name, { timeouts: options.timeouts }, sink);
    if (recovered?.whereabouts === "source" && recovered.settled) continue;
    throw taken(victim.pid, migration, "was interrupted", "recover");
  }
}

function taken(pid: number, migration: string, why: string, command: string): PhaulError {
  return new PhaulError(
    "busy",
    `Cannot migrate process ${pid}: migration ${migration} of it ${why}`,
    { remedy: `Run: phaul ${command} ${migration}` },
  );
}
