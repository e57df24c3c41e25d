/**
 * The source's table.
 *
 * @module
 */

import { go, type Row, type Table } from "./table.ts";
import type { SourceAction, SourceEvent, SourceState } from "./source_states.ts";

type SourceRow = Row<SourceState, SourceAction>;

/** Events that only a role which was reopened from its journal can see. */
type RecoveryEvent = Extract<
  SourceEvent,
  `was-${string}` | `force-${string}` | "peer-holds" | "peer-lacks" | "peer-runs"
>;

/** Of a state that a recovery does not begin in: its events cannot come. */
const NO_RECOVERY: Record<RecoveryEvent, "impossible"> = {
  "was-begun": "impossible",
  "was-intended": "impossible",
  "was-committed": "impossible",
  "was-aborted": "impossible",
  "was-done": "impossible",
  "was-rebooted": "impossible",
  "peer-holds": "impossible",
  "peer-lacks": "impossible",
  "peer-runs": "impossible",
  "force-source": "impossible",
  "force-destination": "impossible",
};

/** Of a state without a migration under way: nothing of it can come. */
const NO_MIGRATION: Record<Exclude<SourceEvent, RecoveryEvent>, "impossible"> = {
  start: "impossible",
  copied: "impossible",
  dumped: "impossible",
  ready: "impossible",
  stopped: "impossible",
  written: "impossible",
  dead: "impossible",
  acknowledged: "impossible",
  "criu-ended": "impossible",
  failed: "impossible",
  stalled: "impossible",
  cancel: "impossible",
  "peer-lost": "impossible",
  "gave-up": "impossible",
};

/** Rows that a final state shares: whatever comes late changes nothing. */
function final<State extends string>(state: State): Record<SourceEvent, Row<State, never>> {
  const stay = go(state);
  const events = [...Object.keys(NO_MIGRATION), ...Object.keys(NO_RECOVERY)] as SourceEvent[];
  return Object.fromEntries(events.map((event) => [event, stay])) as ReturnType<
    typeof final<State>
  >;
}

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
const undecided = go("undecided");

/** The source's table. */
export const SOURCE_TABLE: Table<SourceState, SourceEvent, SourceAction> = {
  checked: {
    ...NO_RECOVERY,
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
    ...NO_RECOVERY,
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
    ...NO_RECOVERY,
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
    ...NO_RECOVERY,
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
    ...NO_RECOVERY,
    start: "impossible",
    copied: "impossible",
    dumped: "impossible",
    ready: "impossible",
    stopped: go("intended", "journal-commit"),
    // The point of no return: COMMIT is on disk and CRIU is told to end the tree.
    written: go("committed", "accept-dump", "await-death"),
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
    ...NO_RECOVERY,
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
    ...NO_RECOVERY,
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
    ...NO_RECOVERY,
    start: "impossible",
    copied: rollingBack,
    // The freeze was under way when the migration was given up.
    dumped: go("rolling-back", "refuse-dump"),
    ready: rollingBack,
    stopped: rollingBack,
    // Once COMMIT is on disk nothing is taken before `committed`.
    written: "impossible",
    dead: "impossible",
    acknowledged: "impossible",
    "criu-ended": go("aborted", "journal-aborted", "tidy", "report"),
    failed: rollingBack,
    stalled: go("rolling-back", "kill-criu"),
    cancel: rollingBack,
    "peer-lost": rollingBack,
    "gave-up": "impossible",
  },
  reopened: {
    ...NO_MIGRATION,
    ...NO_RECOVERY,
    // Nothing was stopped before INTENT, so nothing may be continued: it may have been stopped by others.
    "was-begun": stopCopying,
    "was-intended": go(
      "rolling-back",
      "journal-abort",
      "continue-tree",
      "end-criu",
      "send-abort",
    ),
    "was-committed": go("committed", "kill-tree", "await-death"),
    "was-aborted": leave,
    // Also to unlock what the one that died may not have come to.
    "was-done": go("done", "journal-done", "tidy", "report"),
    "was-rebooted": go("undecided", "ask-peer"),
    cancel: go("reopened"),
  },
  undecided: {
    ...NO_MIGRATION,
    ...NO_RECOVERY,
    "peer-holds": go("undecided", "report"),
    "peer-lacks": go("aborted", "journal-abort", "tidy", "report"),
    "peer-runs": go("done", "journal-done", "tidy", "report"),
    "force-source": go("aborted", "journal-abort", "send-abort", "tidy", "report"),
    "force-destination": go("undecided", "journal-commit"),
    written: go("committed", "await-death"),
    failed: go("undecided", "report"),
    "gave-up": go("undecided", "report"),
    cancel: undecided,
  },
  aborted: final("aborted"),
  done: final("done"),
  "in-doubt": {
    ...final("in-doubt"),
    // The peer will not answer any more, and a person knows what became of its copy.
    "force-destination": go("done", "journal-done", "tidy", "report"),
  },
};

/** States after which the source's role ends. */
export const SOURCE_FINAL: ReadonlySet<SourceState> = new Set(["aborted", "done", "in-doubt"]);
