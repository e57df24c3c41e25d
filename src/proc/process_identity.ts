/**
 * A process by pid and start time: no other has both during one boot.
 *
 * @module
 */

import { SyscallError } from "../errors.ts";
import { Errno, type Signal } from "../sys/mod.ts";
import { readProcess } from "./listing.ts";
import { readStat } from "./procfs.ts";
import { openVerified } from "./tree.ts";

/** Which process is meant, whoever has its pid later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat. */
  readonly startTimeTicks: string;
}

/** Of this very process. */
export function ownIdentity(): ProcessIdentity {
  return { pid: Deno.pid, startTimeTicks: readStat(Deno.pid)?.startTimeTicks ?? "" };
}

/** Whether that process lives; a zombie does not. */
export function lives({ pid, startTimeTicks }: ProcessIdentity): boolean {
  const now = readProcess(pid);
  return now?.startTimeTicks === startTimeTicks && now.state !== "zombie";
}

/**
 * Sends a signal to that process and to no other.
 *
 * @returns false when it has ended
 */
export function signalProcess(identity: ProcessIdentity, signal: Signal): boolean {
  const now = readProcess(identity.pid);
  if (now?.startTimeTicks !== identity.startTimeTicks) return false;
  using held = openVerified(now);
  if (held === undefined || held.dead) return false;
  try {
    held.signal(signal);
    return true;
  } catch (error) {
    if (error instanceof SyscallError && error.errno === Errno.ESRCH) return false;
    throw error;
  }
}
