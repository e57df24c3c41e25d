/**
 * The destination's states, events and actions, and its table.
 *
 * @module
 */

import { go, type Row, type Table } from "./table.ts";

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
  | "running"
  | "discarded"
  | "stranded";

/**
 * Events of the destination: `iteration`, `prepare`, `commit` and `abort` are the source's requests,
 * `restored`, `written` (the journal), `continued` and `cleared` end actions of this side, `tree-lost` is the death of the held
 * tree. `failed`, `stalled`, `cancel` and `peer-lost` may come at any time.
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
  | "peer-lost";

/** What the destination does; see src/haul/destination.ts for how. */
export type DestinationAction =
  | "receive"
  | "restore"
  | "journal-prepared"
  | "answer-ready"
  | "journal-running"
  | "continue-tree"
  | "restore-again"
  | "answer-running"
  | "journal-discarded"
  | "discard"
  | "answer-discarded"
  | "refuse"
  | "tidy"
  | "report";

const discard: Row<DestinationState, DestinationAction> = go(
  "discarding",
  "journal-discarded",
  "discard",
);
const prepared = go("prepared");
const lost = go("lost");
const resuming = go("resuming");
const reviving = go("reviving");
const discarding = go("discarding");
const running = go("running");
const discarded = go("discarded");
const stranded = go("stranded");

/** The destination's table. */
export const DESTINATION_TABLE: Table<DestinationState, DestinationEvent, DestinationAction> = {
  admitted: {
    iteration: go("receiving", "receive"),
    prepare: go("admitted", "refuse"),
    commit: go("admitted", "refuse"),
    abort: discard,
    restored: "impossible",
    written: "impossible",
    continued: "impossible",
    cleared: "impossible",
    "tree-lost": "impossible",
    failed: discard,
    stalled: discard,
    cancel: discard,
    "peer-lost": discard,
  },
  receiving: {
    iteration: go("receiving", "receive"),
    prepare: go("restoring", "restore"),
    commit: go("receiving", "refuse"),
    abort: discard,
    restored: "impossible",
    written: "impossible",
    continued: "impossible",
    cleared: "impossible",
    "tree-lost": "impossible",
    failed: discard,
    stalled: discard,
    cancel: discard,
    "peer-lost": discard,
  },
  restoring: {
    iteration: go("restoring", "refuse"),
    prepare: go("restoring", "refuse"),
    commit: go("restoring", "refuse"),
    abort: discard,
    restored: go("restoring", "journal-prepared"),
    written: go("prepared", "answer-ready"),
    continued: "impossible",
    cleared: "impossible",
    "tree-lost": discard,
    failed: discard,
    stalled: discard,
    cancel: discard,
    "peer-lost": discard,
  },
  prepared: {
    iteration: go("prepared", "refuse"),
    prepare: go("prepared", "refuse"),
    commit: go("resuming", "journal-running", "continue-tree"),
    abort: discard,
    restored: "impossible",
    written: "impossible",
    continued: "impossible",
    cleared: "impossible",
    "tree-lost": lost,
    // Whether the source committed is unknown here: neither run nor discard.
    failed: prepared,
    stalled: prepared,
    cancel: prepared,
    "peer-lost": prepared,
  },
  lost: {
    iteration: go("lost", "refuse"),
    prepare: go("lost", "refuse"),
    commit: go("reviving", "journal-running", "restore-again"),
    abort: discard,
    restored: "impossible",
    written: "impossible",
    continued: "impossible",
    cleared: "impossible",
    "tree-lost": lost,
    failed: lost,
    stalled: lost,
    cancel: lost,
    "peer-lost": lost,
  },
  resuming: {
    iteration: go("resuming", "refuse"),
    prepare: go("resuming", "refuse"),
    commit: resuming,
    abort: go("resuming", "refuse"),
    restored: "impossible",
    written: "impossible",
    continued: go("running", "answer-running", "tidy", "report"),
    cleared: "impossible",
    "tree-lost": go("reviving", "restore-again"),
    failed: go("stranded", "refuse", "report"),
    stalled: resuming,
    cancel: resuming,
    "peer-lost": resuming,
  },
  reviving: {
    iteration: go("reviving", "refuse"),
    prepare: go("reviving", "refuse"),
    commit: reviving,
    abort: go("reviving", "refuse"),
    restored: go("running", "answer-running", "tidy", "report"),
    written: "impossible",
    continued: reviving,
    cleared: "impossible",
    "tree-lost": reviving,
    failed: go("stranded", "refuse", "report"),
    stalled: reviving,
    cancel: reviving,
    "peer-lost": reviving,
  },
  discarding: {
    iteration: go("discarding", "refuse"),
    prepare: go("discarding", "refuse"),
    commit: go("discarding", "refuse"),
    abort: discarding,
    restored: discarding,
    written: discarding,
    continued: "impossible",
    cleared: go("discarded", "answer-discarded", "tidy", "report"),
    "tree-lost": discarding,
    failed: discarding,
    stalled: discarding,
    cancel: discarding,
    "peer-lost": discarding,
  },
  running: {
    iteration: go("running", "refuse"),
    prepare: go("running", "refuse"),
    // The acknowledgement was lost and the source asks again.
    commit: go("running", "answer-running"),
    abort: go("running", "refuse"),
    restored: running,
    written: running,
    continued: running,
    cleared: running,
    "tree-lost": running,
    failed: running,
    stalled: running,
    cancel: running,
    "peer-lost": running,
  },
  discarded: {
    iteration: go("discarded", "refuse"),
    prepare: go("discarded", "refuse"),
    commit: go("discarded", "refuse"),
    abort: go("discarded", "answer-discarded"),
    restored: discarded,
    written: discarded,
    continued: discarded,
    cleared: discarded,
    "tree-lost": discarded,
    failed: discarded,
    stalled: discarded,
    cancel: discarded,
    "peer-lost": discarded,
  },
  stranded: {
    iteration: go("stranded", "refuse"),
    prepare: go("stranded", "refuse"),
    commit: go("reviving", "restore-again"),
    abort: go("stranded", "refuse"),
    restored: stranded,
    written: stranded,
    continued: stranded,
    cleared: stranded,
    "tree-lost": stranded,
    failed: stranded,
    stalled: stranded,
    cancel: stranded,
    "peer-lost": stranded,
  },
};

/** States after which the destination has nothing left to do by itself. */
export const DESTINATION_FINAL: ReadonlySet<DestinationState> = new Set([
  "running",
  "discarded",
  "stranded",
]);
