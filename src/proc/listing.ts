/**
 * Lists a process tree from /proc.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

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

/** Lists the tree below `rootPid`: the root first, ancestors before descendants. */
export function listTree(_rootPid: number): TreeProcess[] {
  throw new PhaulError("internal", "Not written yet");
}
