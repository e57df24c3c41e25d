/**
 * Examines a process tree before anything is frozen: what phaul or CRIU would refuse is found here.
 *
 * @module
 */

import { refuseConnections } from "./connections.ts";
import { type Descriptor, listDescriptors } from "./descriptors.ts";
import { collectFiles, type FileFact } from "./files.ts";
import { requireRoot } from "./host.ts";
import { refuseOwn, refuseThreads, refuseTraced } from "./identity.ts";
import { refuseJournal } from "./journal.ts";
import { listTree, type TreeProcess } from "./listing.ts";
import { refuseLocks } from "./locks.ts";
import { warnOfPipes } from "./pipes.ts";
import { PROC_ROOT, readStat, readStatus } from "./procfs.ts";
import { refuseSupervisor } from "./supervisors.ts";
import { runSystemctl, type ServiceUnit, type SystemctlRunner } from "./systemctl.ts";
import { examineUnit } from "./systemd.ts";
import { foreignTerminals, leadsSession, refuseTerminal } from "./terminal.ts";

export type { FileFact, FileKind, FileUse } from "./files.ts";

/** What the operator allowed; the names are those of CRIU's options. */
export interface VictimOptions {
  readonly shellJob: boolean;
  readonly tcpEstablished: boolean;
  readonly tcpClose: boolean;
  readonly extUnixSk: boolean;
  readonly fileLocks: boolean;
  /** A systemd unit whose main process is in the tree will be released before the freeze. */
  readonly releaseUnit?: boolean;
}

/** Where the examination looks; all of it is this host's unless a test says otherwise. */
export interface VictimSources {
  /** Where proc is mounted. */
  readonly procRoot?: string;
  readonly systemctl?: SystemctlRunner;
  /** The pid that stands for phaul. */
  readonly ownPid?: number;
}

/** A process tree that can be migrated, as far as /proc can tell. */
export interface Victim {
  readonly pid: number;
  readonly comm: string;
  /** Root first, ancestors before descendants. */
  readonly processes: readonly TreeProcess[];
  /** What the destination must have. */
  readonly files: readonly FileFact[];
  /** Anonymous and shared memory that is resident, over the whole tree. */
  readonly memoryBytes: number;
  /** The root leads a session: its sid is its pid. */
  readonly leadsSession: boolean;
  /** The root is pid 1 of a pid namespace that is not phaul's. */
  readonly ownPidNamespace: boolean;
  /** To be released before the freeze; only with the option `releaseUnit`. */
  readonly unit?: ServiceUnit;
  /** What may go wrong without being certain to, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Examines the tree below `pid`; nothing is frozen or touched.
 *
 * @throws PhaulError the first thing that stands in the way, with its remedy: `not-root`,
 * `no-such-process`, `kernel-thread`, `own-process`, `traced`, `terminal-job`, `tcp-connection`,
 * `file-locks`, `external-socket` or `supervised`
 */
export async function examineVictim(
  pid: number,
  options: VictimOptions,
  sources: VictimSources = {},
): Promise<Victim> {
  const procRoot = sources.procRoot ?? PROC_ROOT;
  requireRoot(`migrate process ${pid}`);
  refuseThreads(pid, procRoot);
  const processes = listTree(pid, procRoot);
  refuseOwn(processes, sources.ownPid);
  refuseTraced(processes, procRoot);
  const descriptors = listDescriptors(processes, procRoot);
  refuseUnlessAllowed(processes, descriptors, options, procRoot);
  const supervision = await examineUnit(processes, {
    systemctl: sources.systemctl ?? runSystemctl,
    procRoot,
    release: options.releaseUnit,
  });
  const supervised = [...supervision.warnings, ...refuseSupervisor(pid, procRoot)];
  const statuses = processes.map((process) => readStatus(process.pid, procRoot));
  const nsPids = statuses[0]?.nsPids ?? [];
  return {
    pid,
    comm: readStat(pid, procRoot)?.comm ?? "",
    processes,
    files: collectFiles(processes, descriptors, procRoot),
    memoryBytes: statuses.reduce((sum, status) => sum + (status?.residentBytes ?? 0), 0),
    leadsSession: leadsSession(processes[0], procRoot),
    ownPidNamespace: nsPids.length > 1 && nsPids.at(-1) === 1,
    unit: supervision.unit,
    warnings: [...supervised, ...warnOfTerminals(descriptors), ...warnOfPipes(descriptors)],
  };
}

function refuseUnlessAllowed(
  processes: readonly TreeProcess[],
  descriptors: readonly Descriptor[],
  options: VictimOptions,
  procRoot: string,
): void {
  const rootPid = processes[0]?.pid ?? 0;
  if (!options.shellJob) refuseTerminal(processes, descriptors, procRoot);
  if (!options.tcpEstablished && !options.tcpClose) {
    refuseConnections(rootPid, descriptors, procRoot);
  }
  if (!options.fileLocks) refuseLocks(rootPid, descriptors);
  refuseJournal(processes, descriptors, procRoot);
}

/** With --shell-job CRIU gives the restored tree its own standard input's terminal, if it is one. */
function warnOfTerminals(descriptors: readonly Descriptor[]): string[] {
  const paths = new Set(foreignTerminals(descriptors).map(({ target }) => target));
  return [...paths].map((path) =>
    `The tree uses terminal "${path}", which stays on this host: it can only be restored where ` +
    "phaul serve runs on a terminal itself"
  );
}
