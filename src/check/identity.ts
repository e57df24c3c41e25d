/**
 * What may not be migrated because of what it is: nothing at all, the kernel, phaul itself.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { TreeProcess } from "../proc/listing.ts";
import { PROC_ROOT, readStat, readStatus } from "../proc/procfs.ts";
import type { Finding } from "./finding.ts";

/** PF_KTHREAD of the kernel's sched.h. */
const KERNEL_THREAD_FLAG = 0x0020_0000;
/** The parent of all kernel threads. */
const KTHREADD_PID = 2;

/**
 * Refuses a thread's id and a thread of the kernel. A pid that does not exist passes: listing its
 * tree says so.
 *
 * @throws PhaulError `no-such-process`, `kernel-thread`
 */
export function refuseThreads(pid: number, procRoot: string = PROC_ROOT): void {
  const stat = readStat(pid, procRoot);
  const status = readStatus(pid, procRoot);
  if (stat === undefined || status === undefined) return;
  const flagged = Math.floor(stat.flags / KERNEL_THREAD_FLAG) % 2 === 1;
  // Inside a pid namespace pid 2 is anybody's, so the ids alone prove nothing.
  if (flagged) {
    const what = pid === KTHREADD_PID ? "the parent of the kernel's threads" : "a kernel thread";
    throw new PhaulError(
      "kernel-thread",
      `Cannot migrate process ${pid}: "${stat.comm}" is ${what}`,
      { remedy: "Name a process of a program: ps shows the names of kernel threads in brackets" },
    );
  }
  if (status.threadGroup !== pid) {
    throw new PhaulError(
      "no-such-process",
      `Cannot migrate ${pid}: it is a thread of process ${status.threadGroup}`,
      { remedy: `Move the whole process: --pid ${status.threadGroup}` },
    );
  }
}

/**
 * Refuses init and a tree that holds phaul.
 *
 * @throws PhaulError `own-process`
 */
export function refuseOwn(
  processes: readonly TreeProcess[],
  ownPid: number = Deno.pid,
): void {
  const root = processes[0]?.pid;
  if (root === 1) {
    throw new PhaulError("own-process", "Cannot migrate process 1: it is this host's init", {
      remedy: "Name the root of a smaller tree: the rest of this host cannot do without its init",
    });
  }
  if (root === ownPid) {
    throw new PhaulError("own-process", `Cannot migrate process ${root}: it is phaul itself`, {
      remedy: "Name the process to move, which pgrep or ps finds",
    });
  }
  if (!processes.some(({ pid }) => pid === ownPid)) return;
  throw new PhaulError(
    "own-process",
    `Cannot migrate process ${root}: phaul (process ${ownPid}) runs below it`,
    { remedy: "Start phaul from a shell or service outside the tree to move" },
  );
}

/** Processes that a debugger has hold of: a process has one tracer only, and CRIU must be it. */
export function findTracers(processes: readonly TreeProcess[], procRoot: string): Finding[] {
  return processes.flatMap(({ pid }): Finding[] => {
    const tracer = readStatus(pid, procRoot)?.tracerPid ?? 0;
    if (tracer === 0) return [];
    const name = readStat(tracer, procRoot)?.comm ?? "?";
    return [{
      code: "traced",
      severity: "blocker",
      message: `process ${pid} is traced by process ${tracer} ("${name}")`,
      remedy: "End the debugger or strace first",
    }];
  });
}
