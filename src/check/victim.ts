/**
 * Examines a process tree before anything is frozen: what phaul or CRIU would refuse is found here.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { type Descriptor, listDescriptors } from "../proc/descriptors.ts";
import { collectFiles, type FileFact } from "../proc/files.ts";
import { listTree, taskIdsOf, type TreeProcess } from "../proc/listing.ts";
import { PROC_ROOT, readStat, readStatus } from "../proc/procfs.ts";
import { runSystemctl, type ServiceUnit, type SystemctlRunner } from "../proc/systemctl.ts";
import { type User, usersOf } from "../proc/users.ts";
import { findConfinement } from "./confinement.ts";
import { findTcp } from "./connections.ts";
import { findDeleted } from "./deleted_files.ts";
import type { Finding } from "./finding.ts";
import { findTracers, refuseOwn, refuseThreads } from "./identity.ts";
import { findingOfJournal, findJournalStreams } from "./journal.ts";
import { findLocks } from "./locks.ts";
import { findNamespaces } from "./namespaces.ts";
import { findNetlink } from "./netlink.ts";
import { findPipeEnds } from "./pipes.ts";
import { findSockets } from "./sockets.ts";
import { findSpecialFiles, isPidfd } from "./special_files.ts";
import { findSupervisor } from "./supervisors.ts";
import { examineUnit } from "./systemd.ts";
import { findSysV } from "./sysv.ts";
import { findTerminals, leadsSession } from "./terminal.ts";
import { findUprobes } from "./uprobes.ts";

/** What the operator allowed; the names are those of CRIU's options. */
export interface VictimOptions {
  readonly shellJob: boolean;
  readonly tcpEstablished: boolean;
  readonly tcpClose: boolean;
  readonly extUnixSk: boolean;
  readonly fileLocks: boolean;
  readonly linkRemap?: boolean;
  readonly ghostLimitBytes?: number;
  readonly external?: readonly string[];
  /** Whether the source's CRIU can dump pidfds; asked only of a tree that has one, else taken for yes. */
  readonly pidfds?: () => Promise<boolean>;
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

/** A process tree as /proc shows it, and what is to be said of it. */
export interface Victim {
  readonly pid: number;
  readonly comm: string;
  /** Root first, ancestors before descendants. */
  readonly processes: readonly TreeProcess[];
  /** Ids of its processes and threads, in the innermost pid namespace. */
  readonly taskIds: readonly number[];
  readonly users: readonly User[];
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
  readonly findings: readonly Finding[];
}

/**
 * Examines the tree below `pid`; nothing is frozen or touched.
 *
 * @throws PhaulError when there is no tree that could be examined: `no-such-process`, `kernel-thread`
 * or `own-process`, `blocked` when this process may not look at it
 */
export async function examineVictim(
  pid: number,
  options: VictimOptions,
  sources: VictimSources = {},
): Promise<Victim> {
  try {
    return await examine(pid, options, sources);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.PermissionDenied)) throw cause;
    throw new PhaulError("blocked", `Cannot look at process ${pid}: ${cause.message}`, {
      remedy: "Run phaul as root, with the capabilities that docs/security.md names for a source",
      cause,
    });
  }
}

async function examine(
  pid: number,
  options: VictimOptions,
  sources: VictimSources,
): Promise<Victim> {
  const procRoot = sources.procRoot ?? PROC_ROOT;
  refuseThreads(pid, procRoot);
  const processes = listTree(pid, procRoot);
  refuseOwn(processes, sources.ownPid);
  const descriptors = listDescriptors(processes, procRoot);
  const { unit, findings } = await examineUnit(processes, {
    systemctl: sources.systemctl ?? runSystemctl,
    procRoot,
    release: options.releaseUnit,
  });
  const statuses = processes.map((process) => readStatus(process.pid, procRoot));
  const nsPids = statuses[0]?.nsPids ?? [];
  return {
    pid,
    comm: readStat(pid, procRoot)?.comm ?? "",
    processes,
    taskIds: processes.flatMap((process) => taskIdsOf(process, procRoot)),
    users: usersOf(processes, procRoot),
    files: collectFiles(processes, descriptors, procRoot),
    memoryBytes: statuses.reduce((sum, status) => sum + (status?.residentBytes ?? 0), 0),
    leadsSession: leadsSession(processes[0], procRoot),
    ownPidNamespace: nsPids.length > 1 && nsPids.at(-1) === 1,
    unit,
    findings: [
      ...await checkTree({ processes, descriptors, options, procRoot }),
      ...findings,
      ...findSupervisor(pid, procRoot),
    ],
  };
}

/** What the rules look at. */
interface Subject {
  readonly processes: readonly TreeProcess[];
  readonly descriptors: readonly Descriptor[];
  readonly options: VictimOptions;
  readonly procRoot: string;
}

async function checkTree(
  { processes, descriptors, options, procRoot }: Subject,
): Promise<Finding[]> {
  const { tcpEstablished, tcpClose, extUnixSk, linkRemap = false, ghostLimitBytes } = options;
  const pidfds = !descriptors.some(isPidfd) || (await options.pidfds?.() ?? true);
  const pids = new Set(processes.map(({ pid }) => pid));
  const known = findJournalStreams(processes, descriptors, procRoot);
  const plan = tcpEstablished ? "kept" : tcpClose ? "closed" : "refused";
  return [
    ...findTracers(processes, procRoot),
    ...findTerminals(processes[0], descriptors, { allowed: options.shellJob, procRoot }),
    ...findTcp(descriptors, plan, procRoot),
    ...findLocks(descriptors, options.fileLocks),
    ...findingOfJournal(known),
    ...findSockets(descriptors, { extUnixSk, external: options.external ?? [], known, procRoot }),
    ...findNetlink(descriptors),
    ...findSpecialFiles(descriptors, { procRoot, pidfds, pids }),
    ...findDeleted(processes, descriptors, { linkRemap, ghostLimitBytes, procRoot }),
    ...findSysV(processes, procRoot),
    ...findUprobes(processes, procRoot),
    ...findNamespaces(processes, procRoot),
    ...findConfinement(processes, procRoot),
    ...findPipeEnds(descriptors),
  ];
}
