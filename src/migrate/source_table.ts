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
  "was-lent": "impossible",
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

/** Of a state in which no memory is lent, nor about to be. */
const NOT_LENDING: Record<"stopped-lending" | "lent" | "drained", "impossible"> = {
  "stopped-lending": "impossible",
  lent: "impossible",
  drained: "impossible",
};

/** Of a state without a migration under way: nothing of it can come. */
const NO_MIGRATION: Record<Exclude<SourceEvent, RecoveryEvent>, "impossible"> = {
  start: "impossible",
  copied: "impossible",
  dumped: "impossible",
  ready: "impossible",
  stopped: "impossible",
  ...NOT_LENDING,
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
const letRun: SourceRow = go(
  "rolling-back",
  "journal-abort",
  "continue-tree",
  "end-criu",
  "send-abort",
);
const rollingBack = go("rolling-back");
const committed = go("committed");
const handingOver = go("handing-over");
const lending = go("lending");
const draining = go("draining");
const undecided = go("undecided");

/** The source's table. */
export const SOURCE_TABLE: Table<SourceState, SourceEvent, SourceAction> = {
  checked: {
    ...NO_RECOVERY,
    ...NOT_LENDING,
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
    ...NOT_LENDING,
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
    ...NOT_LENDING,
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
    ...NOT_LENDING,
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
    "stopped-lending": go("intended", "journal-lent"),
    lent: go("lending", "send-commit"),
    drained: "impossible",
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
  lending: {
    ...NO_MIGRATION,
    ...NO_RECOVERY,
    acknowledged: go("draining", "drain"),
    // The stop signals are pending: a tree that CRIU lets go of stands still, and has its memory.
    "criu-ended": lending,
    failed: go("in-doubt", "report"),
    stalled: lending,
    cancel: lending,
    "peer-lost": lending,
    "gave-up": go("in-doubt", "report"),
  },
  draining: {
    ...NO_MIGRATION,
    ...NO_RECOVERY,
    drained: go("draining", "journal-commit"),
    // COMMIT is sent once more when the tree is dead: all that is to be known of it is known then.
    written: go("committed", "accept-dump", "await-death"),
    "criu-ended": draining,
    failed: go("in-doubt", "report"),
    stalled: draining,
    cancel: draining,
    "peer-lost": draining,
    "gave-up": go("in-doubt", "report"),
  },
  committed: {
    ...NO_MIGRATION,
    ...NO_RECOVERY,
    dead: go("handing-over", "send-commit"),
    // However CRIU ended, the tree must be gone before the destination may run.
    "criu-ended": go("committed", "kill-tree"),
    failed: go("committed", "kill-tree"),
    // A criu that hangs keeps the threads that it traces from being gone.
    stalled: go("committed", "kill-tree", "kill-criu"),
    cancel: committed,
    "peer-lost": committed,
  },
  "handing-over": {
    ...NO_MIGRATION,
    ...NO_RECOVERY,
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
    "stopped-lending": rollingBack,
    // Once one of these is on disk nothing is taken before the state that follows.
    lent: "impossible",
    drained: "impossible",
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
    "was-intended": letRun,
    "was-lent": go("lending", "send-commit"),
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
    "force-destination": go("done", "kill-tree", "journal-done", "tidy", "report"),
    // Only of a tree that was lent: it stands still here as it was dumped.
    "force-source": letRun,
  },
};

/** States after which the source's role ends. */
export const SOURCE_FINAL: ReadonlySet<SourceState> = new Set(["aborted", "done", "in-doubt"]);
