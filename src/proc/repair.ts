/**
 * Repair mode of a tree's TCP connections.
 *
 * @module
 */

import { SyscallError } from "../errors.ts";
import { Errno, setRepairMode } from "../sys/mod.ts";
import { type HeldConnection, listConnections } from "./connections.ts";
import type { TreeProcess } from "./listing.ts";
import { openVerified } from "./tree.ts";

/** A process or descriptor that ended meanwhile: its connection is nobody's any more. */
const GONE: readonly number[] = [Errno.ESRCH, Errno.EBADF];

/**
 * Puts the connections of `processes` into repair mode. From then on no task can use them, and nobody
 * hears of it when the tree is killed: the kernel sends neither FIN nor RST, nor repeats anything. The
 * tree must stand still.
 *
 * @returns the connections
 * @throws SyscallError EPERM without CAP_NET_ADMIN and CAP_SYS_PTRACE
 */
export function silenceConnections(processes: readonly TreeProcess[]): HeldConnection[] {
  return switchAll(processes, true);
}

/**
 * Ends the repair mode of the connections of `processes`, whoever switched it on; CRIU leaves it on when
 * it is killed. Each sends a window probe, so that both ends go on at once. Harmless when done twice.
 *
 * @returns the connections
 * @throws SyscallError EPERM without CAP_NET_ADMIN and CAP_SYS_PTRACE
 */
export function reviveConnections(processes: readonly TreeProcess[]): HeldConnection[] {
  return switchAll(processes, false);
}

function switchAll(processes: readonly TreeProcess[], on: boolean): HeldConnection[] {
  const alive = processes.filter(({ state }) => state !== "zombie");
  const connections = listConnections(alive);
  for (const process of alive) {
    const fds = connections.filter(({ pid }) => pid === process.pid).map(({ fd }) => fd);
    if (fds.length > 0) switchSome(process, fds, on);
  }
  return connections;
}

function switchSome(process: TreeProcess, fds: readonly number[], on: boolean): void {
  using held = openVerified(process);
  if (held === undefined) return;
  for (const fd of fds) {
    try {
      using socket = held.copyFd(fd);
      setRepairMode(socket, on);
    } catch (error) {
      if (!(error instanceof SyscallError && GONE.includes(error.errno))) throw error;
    }
  }
}
