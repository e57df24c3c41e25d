/**
 * The destination's states, events and actions.
 *
 * @module
 */

/**
 * States of the destination.
 *
 * - `admitted`: a migration was announced; nothing was received.
 * - `receiving`: iterations arrive.
 * - `restoring`: the images are complete; RESTORE runs, held.
 * - `prepared`: the held tree is complete, PREPARED is written. In doubt from here on: only COMMIT or
 *   ABORT of this migration, by its source, ends it.
 * - `lost`: the held tree died before the commit; its images are kept.
 * - `resuming`: COMMIT was accepted and written; the tree is being continued.
 * - `reviving`: COMMIT was accepted after the held tree was lost; it is restored again.
 * - `discarding`: given up; whatever was received or restored is being removed.
 * - `reopened`: a new phaul has read the journal of one that died; nothing was done yet.
 * - `uncertain`: COMMIT was accepted, and the tree is gone without a word on whether it ran: only a
 *   person may have it restored again.
 * - `running`, `discarded`: final. `stranded`: final; committed, but the tree could not be continued.
 */
export type DestinationState =
  | "admitted"
  | "receiving"
  | "restoring"
  | "prepared"
  | "lost"
  | "resuming"
  | "reviving"
  | "discarding"
  | "reopened"
  | "uncertain"
  | "running"
  | "discarded"
  | "stranded";

/**
 * Events of the destination: `iteration`, `prepare`, `commit` and `abort` are the source's requests,
 * `restored`, `written` (the journal), `continued` and `cleared` end actions of this side, `tree-lost` is the death of the held
 * tree. `failed`, `stalled`, `cancel` and `peer-lost` may come at any time.
 *
 * The `was-` events begin a recovery and say what the journal ends with and what is left:
 * - `was-begun`: no PREPARED; `was-discarded`: given up, perhaps not wholly removed;
 * - `was-prepared`: the held tree is still there; `was-lost`: it is not;
 * - `was-accepted`: RUNNING, and the tree is there; `was-uncertain`: RUNNING, and it is not;
 * - `was-continued`: it ran.
 *
 * `force-source` and `force-destination` are the operator's word.
 */
export type DestinationEvent =
  | "iteration"
  | "prepare"
  | "commit"
  | "abort"
  | "restored"
  | "written"
  | "continued"
  | "cleared"
  | "tree-lost"
  | "failed"
  | "stalled"
  | "cancel"
  | "peer-lost"
  | "was-begun"
  | "was-discarded"
  | "was-prepared"
  | "was-lost"
  | "was-accepted"
  | "was-uncertain"
  | "was-continued"
  | "force-source"
  | "force-destination";

/** What the destination does; see src/haul/destination.ts for how. */
export type DestinationAction =
  | "receive"
  | "restore"
  | "journal-prepared"
  | "answer-ready"
  | "watch-tree"
  | "journal-running"
  | "continue-tree"
  | "journal-continued"
  | "restore-again"
  | "answer-running"
  | "journal-discarded"
  | "discard"
  | "answer-discarded"
  | "refuse"
  | "tidy"
  | "report";
