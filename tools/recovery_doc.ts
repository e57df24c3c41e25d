/**
 * The part of docs/failure.md that says what a phaul leaves that dies in any state, and what its recovery
 * does: read out of the state tables and of what a recovery begins with.
 *
 * @module
 */

import {
  DESTINATION_TABLE,
  type DestinationAction,
  type DestinationEvent,
  type DestinationMark,
  destinationRecovery,
  type DestinationState,
  type JournalMark,
  type Row,
  SOURCE_TABLE,
  type SourceAction,
  type SourceEvent,
  type SourceMark,
  sourceRecovery,
  type SourceState,
  type Table,
} from "../src/migrate/tables.ts";
import { codes, markdownTable } from "./markdown.ts";

type AnyTable = Table<string, string, string>;
type AnyRow = Row<string, string>;

/** States that a journal does not tell of: nothing has died in them yet, or was begun anew. */
type Lived<State> = Exclude<State, "reopened">;

/** What there is of the tree on the source. */
const SOURCE_TREE: Readonly<Record<Lived<SourceState>, string>> = {
  checked: "runs",
  copying: "runs; CRIU lets go of it",
  dumping: "runs, or CRIU lets it run again",
  frozen: "CRIU lets it run again",
  intended: "CRIU lets go of it; it stands still, its tasks stopped, or some of them",
  lending: "stands still, with memory that the destination needs",
  draining: "stands still, with memory that the destination needs",
  committed: "stands still, or is gone",
  "handing-over": "gone",
  "rolling-back": "CRIU lets it run; it stands still until SIGCONT was sent",
  undecided: "gone with the restart of its host",
  aborted: "runs",
  done: "gone",
  "in-doubt": "gone; with LENT it stands still",
};

/** What there is of the tree on the destination. */
const DESTINATION_TREE: Readonly<Record<Lived<DestinationState>, string>> = {
  admitted: "none",
  receiving: "none",
  restoring: "none, or all of it, stopped; half of it is killed by CRIU",
  prepared: "complete, stopped; with `--shell-job` CRIU kills it",
  lost: "gone; its images are kept",
  resuming: "complete; runs, or a part of it does, or it stands still",
  reviving: "none, or all of it, stopped; half of it is killed by CRIU",
  discarding: "stopped, or gone",
  uncertain: "gone, or a part of it is left",
  running: "runs",
  discarded: "gone",
  stranded: "gone; its images are kept",
};

/** What recoveries do, as it has to be between the marks of docs/failure.md. */
export function recoveryTables(): string {
  return [
    "### When a phaul on the source dies",
    left(SOURCE),
    "What `phaul recover` does then, by what the journal says and whether the host has restarted:",
    sourceRecoveries(),
    "### When `phaul serve` dies",
    left(DESTINATION),
    "What it does when it starts again, by what the journal says and what is left of the tree:",
    destinationRecoveries(),
    "### What only a person can decide",
    "Everywhere else the operator's word is refused, or changes nothing.",
    wordsTable(),
  ].join("\n\n");
}

interface Side {
  readonly table: AnyTable;
  readonly trees: Readonly<Record<string, string>>;
  readonly initial: string;
  /** Its marks in the order in which a journal may hold them. */
  readonly marks: readonly JournalMark[];
}

const SOURCE: Side = {
  table: SOURCE_TABLE,
  trees: SOURCE_TREE,
  initial: "checked",
  marks: ["BEGIN", "INTENT", "LENT", "COMMIT", "DONE", "ABORT", "ABORTED"],
};

const DESTINATION: Side = {
  table: DESTINATION_TABLE,
  trees: DESTINATION_TREE,
  initial: "admitted",
  marks: ["ADMITTED", "RESTORED", "PREPARED", "RUNNING", "CONTINUED", "DISCARDED"],
};

const OF_SOURCE = "the source's";
const OF_DESTINATION = "the destination's";

/** Whose the process is once a mark is written. */
const OWNERS: Readonly<Record<JournalMark, string>> = {
  BEGIN: OF_SOURCE,
  THROTTLED: OF_SOURCE,
  INTENT: OF_SOURCE,
  LENT: OF_DESTINATION,
  COMMIT: OF_DESTINATION,
  DONE: OF_DESTINATION,
  ABORT: OF_SOURCE,
  ABORTED: OF_SOURCE,
  ADMITTED: OF_SOURCE,
  RESTORED: OF_SOURCE,
  PREPARED: "whose the source's journal says",
  RUNNING: OF_DESTINATION,
  CONTINUED: OF_DESTINATION,
  DISCARDED: OF_SOURCE,
};

/** For each state: what is left, and the last mark of the journal between any two of its actions. */
function left(side: Side): string {
  const found = new Crashes(side).found;
  const rows = Object.entries(side.trees).flatMap(([state, tree]) => {
    const marks = side.marks.filter((mark) => found.get(state)?.has(mark));
    return marks.length > 0 ? [[`\`${state}\``, tree, codes(marks), owners(marks)]] : [];
  });
  const head = ["in", "it leaves of the tree here", "its journal ends with", "the process is"];
  return markdownTable([head, ...rows]);
}

function owners(marks: readonly JournalMark[]): string {
  const changes = marks.filter((mark, index) => {
    const before = marks[index - 1];
    return !before || OWNERS[before] !== OWNERS[mark];
  });
  return changes.map((mark, index) =>
    index === 0 ? OWNERS[mark] : `from \`${mark}\` on ${OWNERS[mark]}`
  ).join("; ");
}

/** Every last mark with which a role may die in a state, found by following the table. */
class Crashes {
  readonly found = new Map<string, Set<JournalMark>>();
  readonly #side: Side;
  readonly #followed = new Set<string>();

  constructor(side: Side) {
    this.#side = side;
    const [first] = side.marks;
    if (first) this.#follow(side.initial, first);
  }

  #follow(state: string, mark: JournalMark): void {
    this.#note(state, mark);
    if (this.#followed.has(`${state} ${mark}`)) return;
    this.#followed.add(`${state} ${mark}`);
    for (const [event, row] of Object.entries(this.#side.table[state] ?? {})) {
      if (row === "impossible" || TELLING.has(event) || OF_RECOVERY.test(event)) continue;
      // Not an action's mark: it is written while the tree is being restored.
      if (event === "restored" && mark === "ADMITTED") this.#follow(state, "RESTORED");
      else this.#take(row, mark);
    }
  }

  /** A role may die before each action, and after the last. */
  #take({ to, actions }: AnyRow, before: JournalMark): void {
    let mark = before;
    for (const action of actions) {
      this.#note(to, mark);
      mark = markOf(action) ?? mark;
    }
    const next = this.#side.table[to]?.[TOLD.get(actions.at(-1) ?? "") ?? ""];
    // It is taken before anything else can be.
    if (next && next !== "impossible") {
      this.#note(to, mark);
      this.#take(next, mark);
    } else this.#follow(to, mark);
  }

  #note(state: string, mark: JournalMark): void {
    this.found.set(state, (this.found.get(state) ?? new Set()).add(mark));
  }
}

/** What ends with an event of its own. */
const TOLD: ReadonlyMap<string, string> = new Map(Object.entries(
  {
    "journal-lent": "lent",
    "journal-commit": "written",
    "journal-prepared": "written",
    "journal-running": "written",
  } satisfies Partial<Record<SourceAction | DestinationAction, SourceEvent | DestinationEvent>>,
));
const TELLING: ReadonlySet<string> = new Set(TOLD.values());
const OF_RECOVERY = /^(was|force|peer-(holds|lacks|runs))/;

function markOf(action: string): JournalMark | undefined {
  return action.startsWith("journal-")
    ? action.slice("journal-".length).toUpperCase() as JournalMark
    : undefined;
}

const SOURCE_ENDS: readonly (readonly SourceMark[])[] = [
  ["BEGIN"],
  ["BEGIN", "INTENT"],
  ["BEGIN", "INTENT", "LENT"],
  ["BEGIN", "INTENT", "LENT", "ABORT"],
  ["BEGIN", "INTENT", "COMMIT"],
  ["BEGIN", "INTENT", "COMMIT", "DONE"],
  ["BEGIN", "ABORT"],
  ["BEGIN", "INTENT", "ABORT"],
  ["BEGIN", "INTENT", "ABORT", "ABORTED"],
];

function sourceRecoveries(): string {
  const rows = SOURCE_ENDS.flatMap((marks) => {
    const [here, restarted] = [false, true].map((rebooted) => sourceRecovery(marks, rebooted));
    if (here === restarted) return [recovery(SOURCE_TABLE, marks, "either way", here ?? "")];
    return [
      recovery(SOURCE_TABLE, marks, "no", here ?? ""),
      recovery(SOURCE_TABLE, marks, "yes", restarted ?? ""),
    ];
  });
  const head = ["the journal says", "restarted", "which is", "goes to", "does, in this order"];
  return markdownTable([head, ...rows]);
}

const DESTINATION_ENDS: readonly (readonly DestinationMark[])[] = [
  ["ADMITTED"],
  ["ADMITTED", "RESTORED"],
  ["ADMITTED", "RESTORED", "PREPARED"],
  ["ADMITTED", "RESTORED", "PREPARED", "RUNNING"],
  ["ADMITTED", "RESTORED", "PREPARED", "RUNNING", "CONTINUED"],
  ["ADMITTED", "DISCARDED"],
];

function destinationRecoveries(): string {
  const rows = DESTINATION_ENDS.flatMap((marks) => {
    const [there, gone] = [true, false].map((treeThere) => destinationRecovery(marks, treeThere));
    if (there === gone) return [recovery(DESTINATION_TABLE, marks, "either way", there ?? "")];
    return [
      recovery(DESTINATION_TABLE, marks, "there", there ?? ""),
      recovery(DESTINATION_TABLE, marks, "gone", gone ?? ""),
    ];
  });
  const head = ["the journal says", "the tree is", "which is", "goes to", "does, in this order"];
  return markdownTable([head, ...rows]);
}

/** What the table of a side does with a journal that says `marks`. */
function recovery(
  table: AnyTable,
  marks: readonly JournalMark[],
  fact: string,
  event: string,
): string[] {
  const row = table["reopened"]?.[event];
  if (!row || row === "impossible") throw new Error(`Cannot recover by "${event}"`);
  // The first mark is in every journal.
  const said = marks.length > 1 ? marks.slice(1) : marks;
  return [codes(said), fact, `\`${event}\``, `\`${row.to}\``, row.actions.join(", ")];
}

/** The states in which `--force-source` or `--force-destination` makes a difference. */
function wordsTable(): string {
  const rows = [
    ...words("source", SOURCE_TABLE),
    ...words("destination", DESTINATION_TABLE),
  ];
  const head = ["on the", "in", "`--force-source`", "`--force-destination`"];
  return markdownTable([head, ...rows]);
}

function words(side: string, table: AnyTable): string[][] {
  return Object.entries(table).flatMap(([state, rows]) => {
    const [source, destination] = ["force-source", "force-destination"].map((event) => {
      const row = rows[event];
      return row && row !== "impossible" && helps(state, row) ? told(row) : "";
    });
    if (!source && !destination) return [];
    return [[side, `\`${state}\``, source ?? "", destination ?? ""]];
  });
}

/** It is more than an answer. */
function helps(state: string, { to, actions }: AnyRow): boolean {
  return to !== state || actions.some((action) => action.startsWith("journal-"));
}

function told({ to, actions }: AnyRow): string {
  return `\`${to}\`: ${actions.join(", ")}`;
}
