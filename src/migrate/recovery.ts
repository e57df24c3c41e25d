/**
 * How a recovery begins: which event a journal's marks come to.
 *
 * @module
 */

import type { DestinationEvent } from "./destination_states.ts";
import type { SourceEvent } from "./source_states.ts";

/**
 * What a source writes down, in this order: `BEGIN`, `THROTTLED` when it slows the tree down, `INTENT`,
 * `LENT` when the destination will run the tree before it has all memory, then `COMMIT` and `DONE`, or at any
 * time before COMMIT `ABORT` and, once the tree is let go, `ABORTED`.
 */
export type SourceMark =
  | "BEGIN"
  | "THROTTLED"
  | "INTENT"
  | "LENT"
  | "COMMIT"
  | "DONE"
  | "ABORT"
  | "ABORTED";

/**
 * What a destination writes down, in this order: `ADMITTED`, `RESTORED` with each tree that is restored,
 * `PREPARED`, then `RUNNING` before the tree is continued and `CONTINUED` after it, or `DISCARDED`.
 */
export type DestinationMark =
  | "ADMITTED"
  | "RESTORED"
  | "PREPARED"
  | "RUNNING"
  | "CONTINUED"
  | "DISCARDED";

/** What is recorded in a journal. */
export type JournalMark = SourceMark | DestinationMark;

/**
 * The event by which a source's recovery begins.
 *
 * @param marks All that its journal holds.
 * @param rebooted This host has restarted since the last of them.
 */
export function sourceRecovery(marks: readonly JournalMark[], rebooted: boolean): SourceEvent {
  if (marks.includes("DONE")) return "was-done";
  if (marks.includes("COMMIT")) return "was-committed";
  if (marks.includes("ABORTED")) return "was-aborted";
  // What a restart ended needs no rolling back.
  if (rebooted) return marks.includes("ABORT") ? "was-aborted" : "was-rebooted";
  if (isLent(marks)) return "was-lent";
  return marks.includes("INTENT") ? "was-intended" : "was-begun";
}

/**
 * The tree stands still here, and the destination may run it: with memory that is only here.
 *
 * @param marks All that a source's journal holds.
 */
export function isLent(marks: readonly JournalMark[]): boolean {
  return marks.includes("LENT") && !marks.includes("COMMIT") && !marks.includes("ABORT");
}

/**
 * The event by which a destination's recovery begins.
 *
 * @param marks All that its journal holds.
 * @param treeThere The tree that was restored last still lives, whole and as it was restored.
 */
export function destinationRecovery(
  marks: readonly JournalMark[],
  treeThere: boolean,
): DestinationEvent {
  if (marks.includes("DISCARDED")) return "was-discarded";
  if (marks.includes("CONTINUED")) return "was-continued";
  if (marks.includes("RUNNING")) return treeThere ? "was-accepted" : "was-uncertain";
  if (marks.includes("PREPARED")) return treeThere ? "was-prepared" : "was-lost";
  return "was-begun";
}
