/**
 * The state tables of both sides: state x event -> state and actions. The roles execute these tables
 * and have no other transition logic; the promise that exactly one copy runs rests on them.
 *
 * A row is written for every pair. `impossible` marks a pair that only a defect of phaul can produce;
 * a peer that sends something out of turn is answered by the action `refuse`, never by `impossible`.
 *
 * @module
 */

/** The two sides of a migration. */
export type Side = "source" | "destination";

/** What a table says for one state and event. */
export interface Row<State extends string, Action extends string> {
  readonly to: State;
  /** Carried out in this order, each one finished or started before the next. */
  readonly actions: readonly Action[];
}

/** A complete table: every state knows every event. */
export type Table<State extends string, Event extends string, Action extends string> = Readonly<
  Record<State, Readonly<Record<Event, Row<State, Action> | "impossible">>>
>;

/** A pair of state and event, as exercised or as reachable. */
export interface Pair {
  readonly side: Side;
  readonly state: string;
  readonly event: string;
}

function go<State extends string, Action extends string = never>(
  to: State,
  ...actions: Action[]
): Row<State, Action> {
  return { to, actions };
}

/**
 * States of the source.
 *
 * - `checked`: connected and admitted; the tree is untouched.
 * - `copying`: pre-dumps run; the tree runs but for short stalls.
 * - `dumping`: the final dump was asked for; CRIU freezes the tree and resumes it if anybody dies.
 * - `frozen`: post-dump is unanswered; images travel and the destination restores, held.
 * - `intended`: the destination is ready; INTENT is written, the tasks are being stopped.
 * - `committed`: COMMIT is written: the tree will not run here again; CRIU is ending it.
 * - `handing-over`: the tree is dead here; COMMIT is sent until it is acknowledged.
 * - `rolling-back`: given up before the commit; CRIU is letting the tree run again.
 * - `aborted`, `done`: final. `in-doubt`: final; the commit was never acknowledged.
 */
export type SourceState =
  | "checked"
  | "copying"
  | "dumping"
  | "frozen"
  | "intended"
  | "committed"
  | "handing-over"
  | "rolling-back"
  | "aborted"
  | "done"
  | "in-doubt";

/**
 * Events of the source: `start` and `copied` frame pre-copy, `dumped` is CRIU's post-dump, `ready` and
 * `acknowledged` are the destination's answers, `stopped` and `dead` speak of the tree, `written` of the
 * journal, `criu-ended` of the session. `failed`, `stalled`, `cancel` and `peer-lost` may come at any time; `gave-up` ends the
 * attempts to deliver COMMIT.
 */
export type SourceEvent =
  | "start"
  | "copied"
  | "dumped"
  | "ready"
  | "stopped"
  | "written"
  | "dead"
  | "acknowledged"
  | "criu-ended"
  | "failed"
  | "stalled"
  | "cancel"
  | "peer-lost"
  | "gave-up";

/** What the source does; see src/haul/source.ts for how. */
export type SourceAction =
  | "copy"
  | "dump"
  | "prepare"
  | "journal-intent"
  | "stop-tree"
  | "journal-commit"
  | "accept-dump"
  | "kill-tree"
  | "send-commit"
  | "journal-done"
  | "journal-abort"
  | "continue-tree"
  | "refuse-dump"
  | "end-criu"
  | "kill-criu"
  | "send-abort"
  | "tidy"
  | "report";

/** Rows that a final state shares: whatever comes late changes nothing. */
function final<State extends string>(state: State): Record<SourceEvent, Row<State, never>> {
  const stay = go(state);
  return {
    start: stay,
    copied: stay,
    dumped: stay,
    ready: stay,
    stopped: stay,
    written: stay,
    dead: stay,
    acknowledged: stay,
    "criu-ended": stay,
    failed: stay,
    stalled: stay,
    cancel: stay,
    "peer-lost": stay,
    "gave-up": stay,
  };
}

type SourceRow = Row<SourceState, SourceAction>;

const leave: SourceRow = go("aborted", "send-abort", "tidy", "report");
const stopCopying: SourceRow = go("rolling-back", "journal-abort", "end-criu", "send-abort");
const stopFrozen: SourceRow = go("rolling-back", "journal-abort", "refuse-dump", "send-abort");
// SIGCONT goes before the answer: the other order strands a stopped tree if phaul dies in between.
const stopIntended: SourceRow = go(
  "rolling-back",
  "journal-abort",
  "continue-tree",
  "refuse-dump",
  "send-abort",
);
const rollingBack = go("rolling-back");
const committed = go("committed");
const handingOver = go("handing-over");

/** The source's table. */
export const SOURCE_TABLE: Table<SourceState, SourceEvent, SourceAction> = {
  checked: {
    start: go("copying", "copy"),
    copied: "impossible",
    dumped: "impossible",
    ready: "impossible",
    stopped: "impossible",
    written: "impossible",
    dead: "impossible",
    acknowledged: "impossible",
    "criu-ended": "impossible",
    failed: leave,
    stalled: leave,
    cancel: leave,
    "peer-lost": leave,
    "gave-up": "impossible",
  },
  copying: {
    start: "impossible",
    copied: go("dumping", "dump"),
    dumped: "impossible",
    ready: "impossible",
    stopped: "impossible",
    written: "impossible",
    dead: "impossible",
    acknowledged: "impossible",
    "criu-ended": stopCopying,
    failed: stopCopying,
    stalled: stopCopying,
    cancel: stopCopying,
    "peer-lost": stopCopying,
    "gave-up": "impossible",
  },
  dumping: {
    start: "impossible",
    copied: "impossible",
    dumped: go("frozen", "prepare"),
    ready: "impossible",
    stopped: "impossible",
    written: "impossible",
    dead: "impossible",
    acknowledged: "impossible",
    "criu-ended": stopCopying,
    failed: stopCopying,
    stalled: stopCopying,
    cancel: stopCopying,
    "peer-lost": stopCopying,
    "gave-up": "impossible",
  },
  frozen: {
    start: "impossible",
    copied: "impossible",
    dumped: "impossible",
    ready: go("intended", "journal-intent", "stop-tree"),
    stopped: "impossible",
    written: "impossible",
    dead: "impossible",
    acknowledged: "impossible",
    "criu-ended": stopFrozen,
    failed: stopFrozen,
    stalled: stopFrozen,
    cancel: stopFrozen,
    "peer-lost": stopFrozen,
    "gave-up": "impossible",
  },
  intended: {
    start: "impossible",
    copied: "impossible",
    dumped: "impossible",
    ready: "impossible",
    stopped: go("intended", "journal-commit"),
    // The point of no return: COMMIT is on disk and CRIU is told to end the tree.
    written: go("committed", "accept-dump"),
    dead: "impossible",
    acknowledged: "impossible",
    "criu-ended": stopIntended,
    failed: stopIntended,
    stalled: stopIntended,
    cancel: stopIntended,
    "peer-lost": stopIntended,
    "gave-up": "impossible",
  },
  committed: {
    start: "impossible",
    copied: "impossible",
    dumped: "impossible",
    ready: "impossible",
    stopped: "impossible",
    written: "impossible",
    dead: go("handing-over", "send-commit"),
    acknowledged: "impossible",
    // However CRIU ended, the tree must be gone before the destination may run.
    "criu-ended": go("committed", "kill-tree"),
    failed: go("committed", "kill-tree"),
    stalled: go("committed", "kill-tree"),
    cancel: committed,
    "peer-lost": committed,
    "gave-up": "impossible",
  },
  "handing-over": {
    start: "impossible",
    copied: "impossible",
    dumped: "impossible",
    ready: "impossible",
    stopped: "impossible",
    written: "impossible",
    dead: handingOver,
    acknowledged: go("done", "journal-done", "tidy", "report"),
    "criu-ended": handingOver,
    failed: go("in-doubt", "report"),
    stalled: handingOver,
    cancel: handingOver,
    "peer-lost": handingOver,
    "gave-up": go("in-doubt", "report"),
  },
  "rolling-back": {
    start: "impossible",
    copied: rollingBack,
    // The freeze was under way when the migration was given up.
    dumped: go("rolling-back", "refuse-dump"),
    ready: rollingBack,
    stopped: rollingBack,
    written: rollingBack,
    dead: "impossible",
    acknowledged: "impossible",
    "criu-ended": go("aborted", "tidy", "report"),
    failed: rollingBack,
    stalled: go("rolling-back", "kill-criu"),
    cancel: rollingBack,
    "peer-lost": rollingBack,
    "gave-up": "impossible",
  },
  aborted: final("aborted"),
  done: final("done"),
  "in-doubt": final("in-doubt"),
};

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

/** States after which the source's role ends. */
export const SOURCE_FINAL: ReadonlySet<SourceState> = new Set(["aborted", "done", "in-doubt"]);

/** States after which the destination has nothing left to do by itself. */
export const DESTINATION_FINAL: ReadonlySet<DestinationState> = new Set([
  "running",
  "discarded",
  "stranded",
]);

/** Every pair of both tables that is not impossible, final states of the source left out. */
export function allPairs(): Pair[] {
  return [
    ...pairsOf("source", SOURCE_TABLE).filter((p) => !SOURCE_FINAL.has(p.state as SourceState)),
    ...pairsOf("destination", DESTINATION_TABLE),
  ];
}

function pairsOf(side: Side, table: Table<string, string, string>): Pair[] {
  return Object.entries(table).flatMap(([state, rows]) =>
    Object.entries(rows)
      .filter(([, row]) => row !== "impossible")
      .map(([event]) => ({ side, state, event }))
  );
}
