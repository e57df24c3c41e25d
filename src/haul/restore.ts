/**
 * Brings a tree out of an archive to life.
 *
 * The tree is held inside CRIU's post-restore notify, whatever tree it is: should phaul die, CRIU ends it,
 * and nothing half restored is left. What is written down by then is a destination's journal, so that
 * `phaul recover` and `phaul serve` clear away what a phaul that died has left.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { type ArchiveContents, extractArchive, verifyArchive } from "../archive/mod.ts";
import { CriuSession, findCriu, requireCriu } from "../criu/mod.ts";
import { type AdmittedRecord, type DiskJournal, JournalStore } from "../journal/mod.ts";
import { ensureDirectory, requireRoot } from "../proc/mod.ts";
import { PAGE_BYTES } from "./admission.ts";
import { checkForArchive } from "./archive_checks.ts";
import { Custody } from "./custody.ts";
import type { EventSink, RestoreSummary } from "./events.ts";
import { logsDirOf, withKeptLog } from "./evidence.ts";
import { type HistoryEntry, remember } from "./history.ts";
import type { ArchiveRestoreOptions } from "./archive_options.ts";
import { DEFAULT_SERVE_LIMITS } from "./options.ts";
import { MigrationRecord } from "./record.ts";
import { recover } from "./recover.ts";
import { examineRestorer, type RestorerOptions } from "./restorer.ts";
import { markUsed, requireUnused } from "./restored_archives.ts";
import { Room } from "./room.ts";
import { Stages } from "./stages.ts";
import { DEFAULT_WORK_DIR, makeImagesDir, newWorkDir, workDirPath } from "./work_dir.ts";

/** What a phaul serve is told, as far as a custody looks at it. */
const SERVE_LIKE = { insecure: false, listen: { host: "", port: 0 } } as const;

/**
 * Restores the tree in the file `options.archive`, which is left as it is. All of the file is checked
 * before a task is started.
 *
 * @param signal Cancels, as long as the tree does not run.
 * @throws PhaulError `archive-damaged`, `version-mismatch`, `archive-used`, what the checks of a
 * destination throw, `restore-failed`, `cancelled`; nothing runs then
 */
export async function restoreTree(
  options: ArchiveRestoreOptions,
  sink: EventSink,
  signal: AbortSignal,
): Promise<RestoreSummary> {
  const begun = performance.now();
  requireRoot("restore");
  const { archive: path, criuSocket } = options;
  const criuPath = await findCriu(options.criuPath);
  const restorer = { criuPath, criuSocket };
  const { warnings } = await examineRestorer(restorer, await versionOf(criuPath));
  const archive = await verifyArchive(path, { pageBytes: PAGE_BYTES, signal });
  const { begin: { migrationId: migration, comm, rootPid: pid, memoryBytes }, prepare } = archive;
  const record = new MigrationRecord();
  const told: EventSink = (event) => {
    record.take(event);
    sink(event);
  };
  const stages = new Stages({ sink: told, hook: options.hook, side: "destination", migration });
  for (const message of warnings) stages.warn(message);
  const processes = prepare.processes.length;
  stages.tell({ event: "verified", migration, archive: path, pid, comm, processes, memoryBytes });
  const keep = (end: Pick<HistoryEntry, "pid" | "whereabouts" | "failure">) => {
    const which = { migration, side: "destination", comm, peer: path } as const;
    const details = record.details(stages.timeline);
    return stages.leniently(() => remember(options.stateDir, { ...which, ...end, details }));
  };
  try {
    const rootPid = await restored(archive, restorer, options, stages, signal);
    await stages.reach({ event: "drained", migration });
    await keep({ pid: rootPid, whereabouts: "destination" });
    const totalMs = performance.now() - begun;
    return { migration, archive: path, pid: rootPid, comm, processes, memoryBytes, totalMs };
  } catch (cause) {
    const error = withKeptLog(asPhaulError(cause), options.stateDir);
    const { code, message } = error;
    await stages.reach({ event: "aborted", migration, code, message, whereabouts: "source" });
    await keep({ pid, whereabouts: "source", failure: { code, message } });
    throw error;
  }
}

async function restored(
  archive: ArchiveContents,
  restorer: RestorerOptions,
  options: ArchiveRestoreOptions,
  stages: Stages,
  signal: AbortSignal,
): Promise<number> {
  const { stateDir, workDir: base, again } = options;
  const { begin, prepare } = archive;
  const { migrationId: migration } = begin;
  await ensureDirectory(stateDir);
  await ensureDirectory(base ?? DEFAULT_WORK_DIR);
  await endInterrupted(migration, options, stages);
  if (again !== true) await requireUnused(stateDir, migration);
  await checkForArchive(archive, restorer, options, stages);
  const store = new JournalStore(stateDir);
  const name = { migration, side: "destination" } as const;
  const admitted = admittedRecord(archive, options);
  const journal = await store.create(name, admitted);
  await using owned = new AsyncDisposableStack();
  owned.defer(() => journal.close());
  const work = await newWorkDir(base, migration, "destination", store.pathOf(name));
  const parts = { admitted, migration, journal, ...restorer };
  using custody = new Custody(
    { ...parts, options: { ...options, ...SERVE_LIKE } },
    (message) => stages.warn(message),
  );
  try {
    using _share = await roomFor(archive, options);
    const imagesDir = `${work.path}/1`;
    await makeImagesDir(imagesDir);
    await extractArchive(options.archive, archive, imagesDir, { pageBytes: PAGE_BYTES, signal });
    await cancellable(signal, () => custody.prepare(), () => Promise.resolve());
    await cancellable(
      signal,
      () => custody.restore(imagesDir, prepare),
      () => custody.discard(),
    );
    stages.pid = custody.rootPid;
    await stages.pass({ event: "prepared", migration });
    if (signal.aborted) throw asPhaulError(signal.reason);
    await letRun(custody, journal, options, stages);
  } catch (error) {
    // What may have run is phaul recover's, and a person's, to decide about.
    if (custody.mayHaveRun) throw unsure(migration, error);
    await stages.leniently(() => custody.discard());
    await work.keepLogs(logsDirOf(stateDir));
    await work[Symbol.asyncDispose]();
    await journal.remove();
    throw error;
  }
  if (options.keepImages) await work.keep();
  else await work[Symbol.asyncDispose]();
  await journal.remove();
  return custody.rootPid ?? begin.rootPid;
}

/** From here on the tree runs here, and nowhere else is it to. */
async function letRun(
  custody: Custody,
  journal: DiskJournal,
  { stateDir, archive }: ArchiveRestoreOptions,
  stages: Stages,
): Promise<void> {
  const migration = stages.migration;
  await custody.journalPrepared(false);
  await markUsed(stateDir, migration, archive);
  await journal.record({ mark: "RUNNING" });
  await stages.reach({ event: "committed", migration });
  await custody.continue((step) => stages.leniently(step));
  const pid = custody.rootPid;
  await stages.reach({ event: "running", migration, ...(pid === undefined ? {} : { pid }) });
}

/** Does `work`; a cancel ends it by `end`, and is what comes of it then. */
async function cancellable(
  signal: AbortSignal,
  work: () => Promise<void>,
  end: () => Promise<void>,
): Promise<void> {
  if (signal.aborted) throw asPhaulError(signal.reason);
  let ended: Promise<void> | undefined;
  const cancel = () => void (ended = end().catch(() => {}));
  signal.addEventListener("abort", cancel);
  try {
    await work();
    if (signal.aborted) throw asPhaulError(signal.reason);
  } catch (error) {
    await ended;
    throw signal.aborted ? asPhaulError(signal.reason) : error;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** What a phaul that died over the same archive has left here goes first. */
async function endInterrupted(
  migration: string,
  { stateDir, criuPath, workDir, timeouts }: ArchiveRestoreOptions,
  stages: Stages,
): Promise<void> {
  const store = new JournalStore(stateDir);
  if (await store.read({ migration, side: "destination" }) === undefined) return;
  stages.warn("A restore of this archive was begun here before: ending it first");
  const options = { stateDir, criuPath, workDir, migration, timeouts };
  await recover(options, (event) => event.event === "warning" && stages.tell(event), () => {});
  if (await store.read({ migration, side: "destination" }) === undefined) return;
  throw new PhaulError(
    "busy",
    `Cannot restore archive ${migration}: it is being restored, or was`,
    {
      remedy: `Run: phaul status ${migration}, and phaul recover ${migration}`,
    },
  );
}

async function roomFor(
  { memory }: ArchiveContents,
  { workDir = DEFAULT_WORK_DIR }: ArchiveRestoreOptions,
): Promise<Disposable> {
  const pages = Array.from(memory.values(), (pieces) => pieces.pages);
  const bytes = PAGE_BYTES * pages.reduce((sum, count) => sum + count, 0);
  return await new Room(workDir, DEFAULT_SERVE_LIMITS).admit(bytes);
}

function admittedRecord(
  { begin: { migrationId, comm, rootPid, restore } }: ArchiveContents,
  { workDir: base, keepImages = false }: ArchiveRestoreOptions,
): AdmittedRecord {
  const workDir = workDirPath(base, migrationId, "destination");
  const tree = { comm, rootPid, restore, workDir, keepImages } as const;
  return { mark: "ADMITTED", holdMode: "notify", durable: false, ...tree };
}

function unsure(migration: string, cause: unknown): PhaulError {
  const { message, evidence } = asPhaulError(cause);
  return new PhaulError("in-doubt", `Cannot say whether the process runs: ${message}`, {
    remedy: `phaul status ${migration} tells, and phaul recover ${migration} what to decide`,
    cause,
    evidence,
  });
}

async function versionOf(criuPath: string) {
  using session = CriuSession.start(criuPath);
  const version = await session.version();
  requireCriu(version);
  return version;
}
