/**
 * Lists a process tree from /proc.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { listNumbers, PROC_ROOT, type ProcStat, readStat, readStatus, readText } from "./procfs.ts";

/** One process of a tree. */
export interface TreeProcess {
  /** In the pid namespace of phaul. */
  readonly pid: number;
  /** In the innermost pid namespace of the process itself: the one CRIU restores. */
  readonly nsPid: number;
  readonly parentPid: number;
  /** Field 22 of /proc/PID/stat: with the pid, the identity of a process during one boot. */
  readonly startTimeTicks: string;
  /** "stopped" is job control's stop (T), not a tracer's (t). */
  readonly state: "running" | "stopped" | "zombie";
}

/**
 * Lists the tree below `rootPid`: the root first, ancestors before descendants. Children that end
 * while it lists are left out.
 *
 * @throws PhaulError `no-such-process` when there is no such process or it is a zombie
 */
export function listTree(rootPid: number, procRoot: string = PROC_ROOT): TreeProcess[] {
  const root = readProcess(rootPid, procRoot);
  if (root === undefined) {
    throw new PhaulError("no-such-process", `Cannot find process ${rootPid}: there is none`, {
      remedy: "Look up the pid of the process to move, for example with pgrep",
    });
  }
  if (root.state === "zombie") {
    throw new PhaulError(
      "no-such-process",
      `Cannot use process ${rootPid}: it has ended and is a zombie that its parent, ` +
        `process ${root.parentPid}, has not collected`,
      { remedy: "There is nothing left of it to move: look up the pid of a process that runs" },
    );
  }
  return [root, ...listDescendants(rootPid, procRoot)];
}

/** The processes below `pid`, ancestors before descendants; none when it is gone. */
export function listDescendants(pid: number, procRoot: string = PROC_ROOT): TreeProcess[] {
  const childrenOf = hasChildrenFile(pid, procRoot) ? readChildren : scanChildren(procRoot);
  const seen = new Set([pid]);
  const found: TreeProcess[] = [];
  let level = [pid];
  while (level.length > 0) {
    const next: number[] = [];
    for (const child of level.flatMap((parent) => childrenOf(parent, procRoot))) {
      // A pid that is recycled while this runs could make a circle.
      if (seen.has(child)) continue;
      seen.add(child);
      const process = readProcess(child, procRoot);
      if (process === undefined) continue;
      found.push(process);
      next.push(child);
    }
    level = next;
  }
  return found;
}

/** One process as it is now, or undefined when it is gone. */
export function readProcess(pid: number, procRoot: string = PROC_ROOT): TreeProcess | undefined {
  const stat = readStat(pid, procRoot);
  const status = readStatus(pid, procRoot);
  if (stat === undefined || status === undefined || stat.state === "X") return undefined;
  return {
    pid,
    nsPid: status.nsPids.at(-1) ?? pid,
    parentPid: stat.parentPid,
    startTimeTicks: stat.startTimeTicks,
    state: stateOf(stat),
  };
}

/** Ids of a process and its threads, in its innermost pid namespace. */
export function taskIdsOf({ pid, nsPid }: TreeProcess, procRoot: string = PROC_ROOT): number[] {
  const tids = listNumbers(`${procRoot}/${pid}/task`);
  if (tids.length <= 1) return [nsPid];
  return tids.flatMap((tid) => readStatus(tid, `${procRoot}/${pid}/task`)?.nsPids.at(-1) ?? []);
}

function stateOf(stat: ProcStat): TreeProcess["state"] {
  if (stat.state === "Z") return "zombie";
  return stat.state === "T" ? "stopped" : "running";
}

/** A kernel without CONFIG_PROC_CHILDREN lacks these files. */
function hasChildrenFile(pid: number, procRoot: string): boolean {
  return readText(`${procRoot}/${pid}/task/${pid}/children`) !== undefined;
}

/** Each thread has children of its own. */
function readChildren(pid: number, procRoot: string): number[] {
  const task = `${procRoot}/${pid}/task`;
  return listNumbers(task).flatMap((tid) =>
    (readText(`${task}/${tid}/children`) ?? "").split(" ").filter(Boolean).map(Number)
  );
}

/** The parent of every process, read once. */
function scanChildren(procRoot: string): (pid: number) => number[] {
  const stats = listNumbers(procRoot).flatMap((pid) => readStat(pid, procRoot) ?? []);
  return (pid) => stats.filter((stat) => stat.parentPid === pid).map((stat) => stat.pid);
}
