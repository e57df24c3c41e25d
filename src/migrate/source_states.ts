/**
 * The source's states, events and actions.
 *
 * @module
 */

/**
 * States of the source.
 *
 * - `checked`: connected and admitted; the tree is untouched.
 * - `copying`: pre-dumps run; the tree runs but for short stalls.
 * - `dumping`: the final dump was asked for; CRIU freezes the tree and resumes it if anybody dies.
 * - `frozen`: post-dump is unanswered; images travel and the destination restores, held.
 * - `intended`: the destination is ready; INTENT is written, the tasks are being stopped.
 * - `lending`: LENT is written: the tree will not run here again, but it has memory that the destination has
 *   not got; it stands still, and COMMIT is sent until it is acknowledged.
 * - `draining`: the destination runs it, and fetches what is missing from the tree that stands still here.
 * - `committed`: COMMIT is written: the tree will not run here again; CRIU is ending it.
 * - `handing-over`: the tree is dead here; COMMIT is sent until it is acknowledged.
 * - `rolling-back`: given up before the commit; CRIU is letting the tree run again.
 * - `reopened`: a new phaul has read the journal of one that died; nothing was done yet.
 * - `undecided`: this host restarted before COMMIT was written, so the tree is gone here, and what it
 *   did after it was copied, if anything, is not known: the peer is asked, then a person decides.
 * - `aborted`, `done`: final. `in-doubt`: final; the commit was never acknowledged.
 */
export type SourceState =
  | "checked"
  | "copying"
  | "dumping"
  | "frozen"
  | "intended"
  | "lending"
  | "draining"
  | "committed"
  | "handing-over"
  | "rolling-back"
  | "reopened"
  | "undecided"
  | "aborted"
  | "done"
  | "in-doubt";

/**
 * Events of the source: `start` and `copied` frame pre-copy, `dumped` is CRIU's post-dump, `ready` and
 * `acknowledged` are the destination's answers, `stopped` and `dead` speak of the tree, `written` of the
 * journal, `stopped-lending` of a tree whose memory is not all in its images, `lent` of LENT in the journal,
 * `drained` of a destination that has all memory, `criu-ended` of the session. `failed`, `stalled`, `cancel` and `peer-lost` may come at any time; `gave-up` ends the
 * attempts to reach the peer.
 *
 * The `was-` events begin a recovery and say what the journal ends with and what is left:
 * - `was-begun`: no INTENT, so that nothing was stopped; `was-intended`: INTENT, and no COMMIT;
 * - `was-lent`: LENT, and neither COMMIT nor ABORT;
 * - `was-committed`: COMMIT; `was-aborted`: rolled back, though the destination may not know;
 *   `was-done`: acknowledged;
 * - `was-rebooted`: no COMMIT, and this host has restarted since.
 *
 * `peer-holds`, `peer-lacks` and `peer-runs` are what the destination says that it has of the tree;
 * `force-source` and `force-destination` are the operator's word.
 */
export type SourceEvent =
  | "start"
  | "copied"
  | "dumped"
  | "ready"
  | "stopped"
  | "stopped-lending"
  | "written"
  | "lent"
  | "drained"
  | "dead"
  | "acknowledged"
  | "criu-ended"
  | "failed"
  | "stalled"
  | "cancel"
  | "peer-lost"
  | "gave-up"
  | "was-begun"
  | "was-intended"
  | "was-lent"
  | "was-committed"
  | "was-aborted"
  | "was-done"
  | "was-rebooted"
  | "peer-holds"
  | "peer-lacks"
  | "peer-runs"
  | "force-source"
  | "force-destination";

/** What the source does; see src/haul/source.ts for how. */
export type SourceAction =
  | "copy"
  | "dump"
  | "prepare"
  | "journal-intent"
  | "stop-tree"
  | "journal-lent"
  | "drain"
  | "journal-commit"
  | "accept-dump"
  | "await-death"
  | "kill-tree"
  | "send-commit"
  | "journal-done"
  | "journal-abort"
  | "journal-aborted"
  | "continue-tree"
  | "refuse-dump"
  | "end-criu"
  | "kill-criu"
  | "send-abort"
  | "ask-peer"
  | "tidy"
  | "report";

/** States in which the tree is frozen, and may still be let go. */
export const SOURCE_FROZEN: ReadonlySet<SourceState> = new Set(["dumping", "frozen", "intended"]);
