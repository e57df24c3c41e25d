/**
 * The destination's table.
 *
 * @module
 */

import { go, type Row, type Table } from "./table.ts";
import type {
  DestinationAction,
  DestinationEvent,
  DestinationState,
} from "./destination_states.ts";

type DestinationRow = Row<DestinationState, DestinationAction>;

/** Events that only a role which was reopened from its journal can see. */
type RecoveryEvent = Extract<DestinationEvent, `was-${string}`>;

/** Of a state that a recovery does not begin in: its events cannot come. */
const NO_RECOVERY: Record<RecoveryEvent, "impossible"> = {
  "was-begun": "impossible",
  "was-discarded": "impossible",
  "was-prepared": "impossible",
  "was-lost": "impossible",
  "was-accepted": "impossible",
  "was-uncertain": "impossible",
  "was-continued": "impossible",
};

/** What only a migration under way may ask. */
function outOfTurn(state: DestinationState): Record<"iteration" | "prepare", DestinationRow> {
  return { iteration: go(state, "refuse"), prepare: go(state, "refuse") };
}

const discard: DestinationRow = go("discarding", "journal-discarded", "discard");
// CONTINUED before the answer: a source that has it forgets, and only this journal tells then.
const nowRunning: DestinationRow = go(
  "running",
  "journal-continued",
  "answer-running",
  "tidy",
  "report",
);
const prepared = go("prepared");
const lost = go("lost");
const resuming = go("resuming");
const reviving = go("reviving");
const discarding = go("discarding");
const running = go("running");
const discarded = go("discarded");
const stranded = go("stranded");
const uncertain = go("uncertain");

/** The destination's table. */
export const DESTINATION_TABLE: Table<DestinationState, DestinationEvent, DestinationAction> = {
  admitted: {
    ...NO_RECOVERY,
    "force-source": discard,
    "force-destination": go("admitted", "refuse"),
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
    ...NO_RECOVERY,
    "force-source": discard,
    "force-destination": go("receiving", "refuse"),
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
    ...NO_RECOVERY,
    "force-source": discard,
    "force-destination": go("restoring", "refuse"),
    ...outOfTurn("restoring"),
    commit: go("restoring", "refuse"),
    abort: discard,
    restored: go("restoring", "journal-prepared"),
    written: go("prepared", "answer-ready", "watch-tree"),
    continued: "impossible",
    cleared: "impossible",
    "tree-lost": discard,
    failed: discard,
    stalled: discard,
    cancel: discard,
    "peer-lost": discard,
  },
  prepared: {
    ...NO_RECOVERY,
    "force-source": discard,
    "force-destination": go("prepared", "journal-running"),
    ...outOfTurn("prepared"),
    commit: go("prepared", "journal-running"),
    abort: discard,
    restored: "impossible",
    // RUNNING is on the disk before the tree runs: nobody may take it for one that never did.
    written: go("resuming", "continue-tree"),
    continued: "impossible",
    cleared: "impossible",
    "tree-lost": lost,
    // Whether the source committed is unknown here: neither run nor discard.
    failed: go("prepared", "refuse"),
    stalled: prepared,
    cancel: prepared,
    "peer-lost": prepared,
  },
  lost: {
    ...NO_RECOVERY,
    "force-source": discard,
    "force-destination": go("lost", "journal-running"),
    ...outOfTurn("lost"),
    commit: go("lost", "journal-running"),
    abort: discard,
    restored: "impossible",
    written: go("reviving", "restore-again"),
    continued: "impossible",
    cleared: "impossible",
    "tree-lost": lost,
    failed: go("lost", "refuse"),
    stalled: lost,
    cancel: lost,
    "peer-lost": lost,
  },
  resuming: {
    ...NO_RECOVERY,
    // It was let go, perhaps by a phaul that died: how far it ran, nobody knows.
    "was-uncertain": go("uncertain", "refuse", "report"),
    "force-source": go("resuming", "refuse"),
    "force-destination": resuming,
    ...outOfTurn("resuming"),
    commit: resuming,
    abort: go("resuming", "refuse"),
    restored: "impossible",
    written: "impossible",
    continued: nowRunning,
    cleared: "impossible",
    "tree-lost": go("reviving", "restore-again"),
    failed: go("uncertain", "refuse", "report"),
    stalled: resuming,
    cancel: resuming,
    "peer-lost": resuming,
  },
  reviving: {
    ...NO_RECOVERY,
    "force-source": go("reviving", "refuse"),
    "force-destination": reviving,
    ...outOfTurn("reviving"),
    commit: reviving,
    abort: go("reviving", "refuse"),
    restored: go("resuming", "continue-tree"),
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
    ...NO_RECOVERY,
    "force-source": discarding,
    "force-destination": go("discarding", "refuse"),
    ...outOfTurn("discarding"),
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
  reopened: {
    ...outOfTurn("reopened"),
    commit: go("reopened", "refuse"),
    abort: go("reopened", "refuse"),
    "force-source": go("reopened", "refuse"),
    "force-destination": go("reopened", "refuse"),
    restored: "impossible",
    written: "impossible",
    continued: "impossible",
    cleared: "impossible",
    "tree-lost": "impossible",
    failed: "impossible",
    stalled: "impossible",
    cancel: go("reopened"),
    "peer-lost": go("reopened"),
    "was-begun": discard,
    "was-discarded": go("discarding", "discard"),
    "was-prepared": go("prepared", "watch-tree"),
    "was-lost": lost,
    "was-accepted": go("resuming", "continue-tree"),
    "was-uncertain": uncertain,
    "was-continued": go("running", "tidy", "report"),
  },
  uncertain: {
    ...NO_RECOVERY,
    "force-source": discard,
    "force-destination": go("reviving", "restore-again"),
    ...outOfTurn("uncertain"),
    // What is left of it may go on. Restored again, it would repeat what it did: that is for a person.
    commit: go("resuming", "continue-tree"),
    abort: go("uncertain", "refuse"),
    restored: uncertain,
    written: "impossible",
    // Something else had failed meanwhile.
    continued: nowRunning,
    cleared: "impossible",
    "tree-lost": uncertain,
    failed: uncertain,
    stalled: uncertain,
    cancel: uncertain,
    "peer-lost": uncertain,
  },
  running: {
    ...NO_RECOVERY,
    "force-source": go("running", "refuse"),
    "force-destination": go("running", "answer-running"),
    ...outOfTurn("running"),
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
    ...NO_RECOVERY,
    "force-source": go("discarded", "answer-discarded"),
    "force-destination": go("discarded", "refuse"),
    ...outOfTurn("discarded"),
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
    ...NO_RECOVERY,
    "force-source": discard,
    "force-destination": go("reviving", "restore-again"),
    ...outOfTurn("stranded"),
    commit: go("reviving", "restore-again"),
    abort: go("stranded", "refuse"),
    // The failure came from elsewhere, while the tree was being continued.
    restored: go("resuming", "continue-tree"),
    written: stranded,
    continued: nowRunning,
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
