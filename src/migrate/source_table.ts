/**
 * The source's states, events and actions, and its table.
 *
 * @module
 */

import { go, type Row, type Table } from "./table.ts";

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
    // A criu that hangs keeps the threads that it traces from being gone.
    stalled: go("committed", "kill-tree", "kill-criu"),
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

/** States after which the source's role ends. */
export const SOURCE_FINAL: ReadonlySet<SourceState> = new Set(["aborted", "done", "in-doubt"]);
