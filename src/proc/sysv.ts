/**
 * Who uses the System V message queues and semaphores of a host. The kernel keeps no list of it: a
 * queue or a semaphore names the process that last did something with it.
 *
 * @module
 */

import { lastSemaphoreUser } from "../sys/mod.ts";
import { readText } from "./procfs.ts";

/** A process, and an object of the IPC namespace of this one that it used last. */
export interface SysvUse {
  readonly pid: number;
  readonly kind: "message queue" | "semaphores";
  /** What msgget or semget returned. */
  readonly id: number;
}

/** The objects that one of `pids` was the last to use; pids are of the namespace of this process. */
export function sysvUses(pids: ReadonlySet<number>, procRoot: string): SysvUse[] {
  return [...queueUses(pids, procRoot), ...semaphoreUses(pids, procRoot)];
}

function queueUses(pids: ReadonlySet<number>, procRoot: string): SysvUse[] {
  return tableRows(procRoot, "msg").flatMap(({ msqid = NaN, lspid = 0, lrpid = 0 }) => {
    const pid = [lspid, lrpid].find((user) => pids.has(user));
    return pid === undefined ? [] : [{ pid, kind: "message queue" as const, id: msqid }];
  });
}

function semaphoreUses(pids: ReadonlySet<number>, procRoot: string): SysvUse[] {
  return tableRows(procRoot, "sem").flatMap(({ semid = NaN, nsems = 0 }) => {
    for (let index = 0; index < nsems; index++) {
      const pid = lastSemaphoreUser(semid, index);
      if (pid === undefined) return [];
      if (pids.has(pid)) return [{ pid, kind: "semaphores" as const, id: semid }];
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
