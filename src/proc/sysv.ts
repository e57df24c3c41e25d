/**
 * Who uses the System V message queues and semaphores of a host. The kernel keeps no list of it: a
 * queue or a semaphore names the process that last did something with it, and who only waits is not told.
 *
 * @module
 */

import { lastSemaphoreUser } from "../sys/mod.ts";
import { readStat, readText } from "./procfs.ts";

/** Of start times in /proc, on every architecture that phaul knows. */
const USER_HZ = 100;
/** Boot time is told in whole seconds, and moves with the clock. */
const CLOCK_SLACK_S = 2;

/** A process, and an object of the IPC namespace of this one that it used last. */
export interface SysvUse {
  readonly pid: number;
  readonly kind: "message queue" | "semaphores";
  /** What msgget or semget returned. */
  readonly id: number;
}

/** The objects that one of `pids` was the last to use; pids are of the namespace of this process. */
export function sysvUses(pids: Iterable<number>, procRoot: string): SysvUse[] {
  const bootSeconds = Number(/^btime (\d+)/m.exec(readText(`${procRoot}/stat`) ?? "")?.[1] ?? 0);
  const begun = new Map<number, number>();
  for (const pid of pids) {
    const ticks = readStat(pid, procRoot)?.startTimeTicks;
    if (ticks !== undefined) begun.set(pid, bootSeconds + Math.floor(Number(ticks) / USER_HZ));
  }
  // A pid outlives its process in these tables: what was before a process began was somebody else.
  const isOurs = (pid: number, atSeconds: number) =>
    atSeconds + CLOCK_SLACK_S >= (begun.get(pid) ?? Infinity);
  return [...queueUses(isOurs, procRoot), ...semaphoreUses(isOurs, procRoot)];
}

/** Whether it was that process which did something at that time. */
type Owns = (pid: number, atSeconds: number) => boolean;

function queueUses(isOurs: Owns, procRoot: string): SysvUse[] {
  return tableRows(procRoot, "msg").flatMap((row) => {
    const { msqid = NaN, lspid = 0, lrpid = 0, stime = 0, rtime = 0 } = row;
    const kind = "message queue";
    if (isOurs(lspid, stime)) return [{ pid: lspid, kind, id: msqid }];
    return isOurs(lrpid, rtime) ? [{ pid: lrpid, kind, id: msqid }] : [];
  });
}

function semaphoreUses(isOurs: Owns, procRoot: string): SysvUse[] {
  return tableRows(procRoot, "sem").flatMap(({ semid = NaN, nsems = 0, otime = 0, ctime = 0 }) => {
    for (let index = 0; index < nsems; index++) {
      const pid = lastSemaphoreUser(semid, index);
      if (pid === undefined) return [];
      if (isOurs(pid, Math.max(otime, ctime))) return [{ pid, kind: "semaphores", id: semid }];
    }
    return [];
  });
}

/** The rows of a table of /proc/sysvipc, by the names in its first line. */
function tableRows(procRoot: string, table: string): Partial<Record<string, number>>[] {
  const [head, ...rows] = (readText(`${procRoot}/sysvipc/${table}`) ?? "").trim().split("\n")
    .map((line) => line.trim().split(/\s+/));
  if (head === undefined) return [];
  return rows.map((row) =>
    Object.fromEntries(head.map((name, index) => [name, Number(row[index])]))
  );
}
