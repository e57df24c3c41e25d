/**
 * System V semaphores.
 *
 * @module
 */

import { Errno } from "./errno.ts";
import { libc } from "./libc.ts";
import { checkExcept } from "./syscall.ts";

/** `GETPID` of <sys/sem.h>. */
const GETPID = 11;
/** Removed in between, or not for this process to see. */
const ABSENT = [Errno.EINVAL, Errno.EIDRM, Errno.EACCES];

/**
 * The process that last changed the semaphore `index` of the set `semid`; 0 when none did, or one of
 * another pid namespace.
 *
 * @returns undefined for a set that is gone, or that this process may not look at
 * @throws SyscallError
 */
export function lastSemaphoreUser(semid: number, index: number): number | undefined {
  const got = checkExcept("semctl", ABSENT, libc().semctl(semid, index, GETPID));
  return typeof got === "number" ? got : undefined;
}
