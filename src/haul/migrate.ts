/**
 * One migration, from the examination of the tree to its summary.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { hasPidfds, openPageChannel, requireCriu } from "../criu/mod.ts";
import {
  type CheckCode,
  examineVictim,
  type Finding,
  refuseBlockers,
  skipping,
  type Victim,
} from "../check/mod.ts";
import {
  CpuThrottle,
  ProcessTree,
  type ReleasedUnit,
  releaseUnit,
  requireRoot,
} from "../proc/mod.ts";
import { LeftPages } from "../pages/mod.ts";
import type { BeginRequest, BegunReply } from "../wire/mod.ts";
import { ArchivePeer } from "./archive_peer.ts";
import { openArchiveWay } from "./archive_way.ts";
import type { EventSink, HostsVersions, MigrationSummary } from "./events.ts";
import { beginRequest } from "./begin_request.ts";
import { checkHosts, checkRequest, placed, type PlacedFinding, versionsOf } from "./checkup.ts";
import { allowingGhosts } from "./files/ghosts.ts";
import { requireFiles, SourceFiles } from "./files/source_files.ts";
import { lostOf, orAbort, untouched } from "./guards.ts";
import { failureOf, MigrationError, whereaboutsOf } from "./migration_error.ts";
import { beginJournal } from "./begin_journal.ts";
import { openSession } from "./criu_session.ts";
import { logsDirOf } from "./evidence.ts";
import { type HistoryEntry, remember } from "./history.ts";
import type { MigrateOptions } from "./options.ts";
import { type Destination, Peer } from "./peer.ts";
import { PAGE_BYTES } from "./admission.ts";
import { Lending } from "./lending.ts";
import { openWay } from "./page_way.ts";
import { PLAN_MADE } from "./plan_made.ts";
import { MigrationRecord } from "./record.ts";
import { SourceRole } from "./source.ts";
import type { SourceOutcome } from "./source_parts.ts";
import { Stages } from "./stages.ts";
import { VictimThrottle } from "./throttle.ts";
import type { Timeline } from "./timeline.ts";
import type { ProgressListener } from "./wire_remote.ts";
import { requireSame, Verdict } from "./verdicts.ts";
import { newWorkDir } from "./work_dir.ts";

/** The role says it when it comes to that. */
const TOLD_LATER: CheckCode = "dirty-tracking";

/**
 * Moves the process tree `options.pid` to `options.peer`.
 *
 * @param signal Cancels, as long as the migration is not committed.
 * @throws MigrationError saying where the tree is; PhaulError `no-such-process` and the like when it
 * was not touched at all
 */
export async function migrateTree(
  options: MigrateOptions,
  sink: EventSink,
  signal: AbortSignal,
): Promise<MigrationSummary> {
  const begun = performance.now();
  const migration = crypto.getRandomValues(new Uint8Array(16)).toHex();
  const record = new MigrationRecord();
  let comm: string | undefined;
  const told: EventSink = (event) => {
    record.take(event);
    if (event.event === "checked") comm = event.comm;
    sink(event);
  };
  const stages = new Stages({ sink: told, hook: options.hook, side: "source", migration });
  stages.pid = options.pid;
  const { pid, peer: { host, port }, stateDir } = options;
  const keep = (end: Pick<HistoryEntry, "whereabouts" | "summary" | "failure">) => {
    const details = record.details(stages.timeline);
    const name = options.archive ?? `${host}:${port}`;
    const which = { migration, side: "source", pid, comm, peer: name } as const;
    return stages.leniently(() => remember(stateDir, { ...which, ...end, details }));
  };
  try {
    const outcome = await attempt(options, migration, stages, signal);
    if (outcome.state !== "done") throw failureOf(outcome, options);
    await stages.reach({ event: "drained", migration });
    const summary = summaryOf(outcome, { migration, options, timeline: stages.timeline, begun });
    await keep({ whereabouts: "destination", summary });
    return summary;
  } catch (error) {
    const failure = error instanceof MigrationError
      ? error
      : new MigrationError(asPhaulError(error), whereaboutsOf(options.pid));
    const { code, message, whereabouts } = failure;
    await stages.reach({ event: "aborted", migration, code, message, whereabouts });
    await keep({ whereabouts, failure: { code, message } });
    throw failure;
  }
}

/** What is known of a migration besides its outcome. */
interface Course {
  readonly migration: string;
  readonly options: MigrateOptions;
  readonly timeline: Timeline;
  readonly begun: number;
}

function summaryOf(outcome: SourceOutcome, course: Course): MigrationSummary {
  const { report, switchoverMs = 0, probed, files } = outcome;
  const { migration, options, timeline, begun } = course;
  const iterations = report?.iterations ?? [];
  return {
    migration,
    iterations,
    stopReason: report?.stopReason,
    switchoverMs,
    predictedMs: report?.predictedMs,
    maxDowntimeMs: options.budget?.maxDowntimeMs,
    totalMs: performance.now() - begun,
    bytes: iterations.reduce((sum, i) => sum + i.bytes, 0),
    sentBytes: iterations.reduce((sum, i) => sum + (i.sentBytes ?? i.bytes), 0),
    ...(probed ? { probed } : {}),
    ...(files ? { files } : {}),
    switchover: timeline.partsOf(switchoverMs),
    timeline: timeline.entries,
  };
}

/**
 * One attempt, from the examination of the tree on.
 *
 * @param plan End before the final dump: the outcome is `aborted` with PLAN_MADE.
 * @throws PhaulError when nothing had begun yet
 */
export async function attempt(
  given: MigrateOptions,
  migration: string,
  stages: Stages,
  signal: AbortSignal,
  plan: boolean = false,
): Promise<SourceOutcome> {
  requireRoot("migrate");
  const options = allowingGhosts(given);
  using criu = await openSession(options);
  const { releaseUnit } = options;
  const pidfds = async () => hasPidfds(await criu.version());
  const allowed = { ...options.criu, releaseUnit, pidfds };
  const victim = await examineVictim(options.pid, allowed);
  const judge = (findings: readonly PlacedFinding[], hosts?: HostsVersions) => {
    const notes = findings.map(({ code, severity, on, message }) => ({
      ...{ code, severity, on, message },
    }));
    stages.tell({ event: "examined", migration, ...(hosts ? { hosts } : {}), findings: notes });
    judged(findings, options, stages);
  };
  judge(placed("source", victim.findings));
  using tree = ProcessTree.open(options.pid);
  await stages.pass({
    event: "checked",
    migration,
    pid: victim.pid,
    comm: victim.comm,
    processes: victim.processes.length,
    memoryBytes: victim.memoryBytes,
  });
  const { peer: address, insecure, tokenFile, timeouts } = options;
  const link = { address, insecure, tokenFile, timeouts };
  using peer: Destination = options.archive === undefined
    ? await Peer.connect(link, signal)
    : ArchivePeer.of(options.archive);
  const host = peer instanceof Peer ? peer : undefined;
  const archive = peer instanceof ArchivePeer ? peer : undefined;
  if (host) await requireFiles(options, host);
  const version = await criu.version();
  requireCriu(version);
  await using owned = new AsyncDisposableStack();
  const journal = await beginJournal(options, migration, victim, stages);
  owned.defer(() => journal.close());
  // Not sooner: an interrupted migration has left a copy there, whose pids are taken.
  await untouched(journal, async () => {
    const throughFiles = options.criuService !== undefined;
    const { fs, overwrite, workDir } = options;
    const ask = { workDir, victim, peer: host, throughFiles, fs, overwrite, signal };
    const { findings, ...hosts } = await checkHosts({ session: criu, ...ask });
    judge(findings, versionsOf(hosts));
    archive?.describe(checkRequest(hosts.source, victim));
    criu.close();
  });
  const named = [options.workDir, migration, "source", journal.path] as const;
  const workDir = await untouched(journal, () => newWorkDir(...named));
  let needed = false;
  owned.defer(async () => {
    // Whoever recovers a tree that lends its memory has to know what was left in it, and removes it then.
    if (!needed) await (options.keepImages ? workDir.keep() : workDir[Symbol.asyncDispose]());
  });
  await using unit = await untouched(journal, () => releaseUnitOf(victim, stages));
  // Not sooner: an interrupted migration may have left it slow, and is ended by now.
  const cpu = await untouched(journal, () => Promise.try(throttleOf, options));
  using throttle = cpu && new VictimThrottle({ cpu, migration, journal, stages });
  using channel = options.channel === "direct" || options.criuService !== undefined
    ? undefined
    : await untouched(journal, () => openPageChannel(workDir.path));
  const request = beginRequest(options, migration, victim, version.text);
  const verdict = new Verdict({ peer, migration, timeouts, stages, journal });
  const { lazy, late, direct: door } = await begin(peer, request, stages, verdict);
  const left = late ? new LeftPages(PAGE_BYTES) : undefined;
  const lent = { migration, peer, stages, timeouts, bandwidth: options.bandwidth };
  using lending = left && new Lending(lent, left);
  const onProgress: ProgressListener = (iteration, { pages: pagesWritten, bytes }) =>
    stages.tell({ event: "progress", migration, iteration, pagesWritten, bytes });
  const filesParts = { options, migration, peer, stages, workDir: workDir.path };
  const bringFiles = () => SourceFiles.begin(filesParts, AbortSignal.any([signal, lostOf(peer)]));
  using files = plan || archive ? SourceFiles.none(filesParts) : await orAbort(verdict, bringFiles);
  const to = { channel, door, workDir: workDir.path, onProgress, listener: left };
  const parts = { options, ...to, signal };
  using way = await orAbort(
    verdict,
    () => host ? openWay({ ...parts, peer: host }) : openArchiveWay(archive, parts),
  );
  const role = new SourceRole({
    migration,
    options: { ...options, budget: budgetFor(lazy, options) },
    peer,
    way,
    stages,
    journal,
    verdict,
    throttle,
    lending,
    files,
    tree,
    workDir: workDir.path,
    plan,
  });
  const outcome = await role.run(signal);
  needed = outcome.state === "in-doubt" && lending !== undefined;
  if (outcome.state !== "aborted") unit?.keep();
  if (outcome.state === "aborted" && outcome.error !== PLAN_MADE) {
    await workDir.keepLogs(logsDirOf(options.stateDir));
  }
  return outcome;
}

/** Ends the migration over a blocker, unless it was told to go on; tells what else may spoil it. */
function judged(findings: readonly Finding[], options: MigrateOptions, stages: Stages): void {
  const weighed = skipping(findings, options.skippedChecks ?? []);
  refuseBlockers(`migrate process ${options.pid}`, weighed);
  for (const { code, severity, message, remedy } of weighed) {
    if (severity !== "warning" || code === TOLD_LATER) continue;
    stages.warn(remedy === undefined ? message : `${message} (${remedy})`);
  }
}

/** A prediction has to know what is left to be done after the dump. */
function budgetFor(lazy: boolean, { budget }: MigrateOptions): MigrateOptions["budget"] {
  return budget && { ...budget, restore: lazy ? "lazy" : "eager" };
}

/** Announces the migration; a peer that refuses it, or a hook that fails, ends it here. */
async function begin(
  peer: Destination,
  request: BeginRequest,
  stages: Stages,
  verdict: Verdict,
): Promise<BegunReply> {
  return await orAbort(verdict, async () => {
    const begun = await peer.request(request);
    requireSame(request.migrationId, begun.migrationId);
    if (request.late && !begun.late) throw takesNoneLate();
    await stages.pass({ event: "connected", migration: request.migrationId, peer: peer.name });
    return begun;
  });
}

function takesNoneLate(): PhaulError {
  return new PhaulError(
    "destination-unfit",
    "Cannot leave memory for later: the destination's phaul is too old for that",
    { remedy: "Install this phaul there too, or migrate by --mode pre-copy" },
  );
}

/** Undefined where nothing is ever to be slowed down. */
function throttleOf({ budget, pid }: MigrateOptions): CpuThrottle | undefined {
  return budget?.onMiss === "throttle" ? CpuThrottle.find(pid) : undefined;
}

/** Undefined where the tree has no unit to be released. */
async function releaseUnitOf(victim: Victim, stages: Stages): Promise<ReleasedUnit | undefined> {
  const { unit, pid } = victim;
  if (unit === undefined) return undefined;
  return await releaseUnit(unit, { pid, warn: (message) => stages.warn(message) });
}
