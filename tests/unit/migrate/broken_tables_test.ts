/** The model must find what is wrong with tables that are wrong. */

import { assert, assertEquals } from "@std/assert";
import {
  DESTINATION_TABLE,
  type DestinationAction,
  type DestinationEvent,
  type DestinationState,
  SOURCE_TABLE,
  type SourceAction,
  type SourceEvent,
  type SourceState,
} from "../../../src/migrate/tables.ts";
import { go, type Row } from "../../../src/migrate/table.ts";
import { explore, reached } from "./explore.ts";
import { RULES, type Rules } from "./rules.ts";
import { verdict } from "./verdict.ts";
import type { World } from "./world.ts";

function sourceWith(
  state: SourceState,
  event: SourceEvent,
  row: Row<SourceState, SourceAction>,
): Partial<Rules> {
  return { source: { ...SOURCE_TABLE, [state]: { ...SOURCE_TABLE[state], [event]: row } } };
}

function destinationWith(
  state: DestinationState,
  event: DestinationEvent,
  row: Row<DestinationState, DestinationAction>,
): Partial<Rules> {
  const rows = { ...DESTINATION_TABLE[state], [event]: row };
  return { destination: { ...DESTINATION_TABLE, [state]: rows } };
}

/** Every promise that the changed rules break, until `breaks` is among them. */
function found({ changes, mishaps, after, breaks }: Omit<Fault, "name">): string[] {
  const rules = { ...RULES, ...changes };
  const start = after && reached(rules, after);
  const { broken, quiet } = explore(rules, mishaps, start, breaks);
  return [...broken.keys(), ...quiet.map(({ world }) => verdict(world, rules) ?? "")];
}

interface Fault {
  readonly name: string;
  readonly changes: Partial<Rules>;
  readonly breaks: string;
  readonly mishaps: number;
  /** Nothing goes wrong before. */
  readonly after?: (world: World) => boolean;
}

const FAULTS: readonly Fault[] = [
  {
    name: "COMMIT is sent before the tree is dead",
    changes: sourceWith("intended", "written", go("handing-over", "accept-dump", "send-commit")),
    breaks: "two copies",
    mishaps: 0,
  },
  {
    name: "SIGCONT is sent without INTENT",
    changes: sourceWith(
      "reopened",
      "was-begun",
      go("rolling-back", "journal-abort", "continue-tree", "end-criu", "send-abort"),
    ),
    breaks: "a task was continued that somebody else had stopped",
    mishaps: 1,
  },
  {
    name: "INTENT is rolled back without SIGCONT",
    changes: sourceWith(
      "reopened",
      "was-intended",
      go("rolling-back", "journal-abort", "end-criu", "send-abort"),
    ),
    breaks: "no copy runs, and no way leads back",
    mishaps: 1,
  },
  {
    name: "COMMIT can be overtaken",
    changes: {
      ...sourceWith("rolling-back", "written", go("rolling-back")),
      commitComesFirst: false,
    },
    breaks: "phaul killed a tree that ran",
    mishaps: 1,
  },
  {
    name: "a source that committed rolls back when it is recovered",
    changes: {
      sourceRecovery: (marks, rebooted) => {
        const event = RULES.sourceRecovery(marks, rebooted);
        return event === "was-committed" ? "was-intended" : event;
      },
    },
    breaks: "no copy runs, and no way leads back",
    mishaps: 1,
  },
  {
    name: "a source that rolled back is not known from one that is gone with its host",
    changes: { sourceRecovery: (marks) => RULES.sourceRecovery(marks, false) },
    breaks: "a copy that was whole was given up",
    mishaps: 1,
  },
  {
    name: "a lost copy is restored on peer-lost",
    changes: destinationWith("lost", "peer-lost", go("reviving", "restore-again")),
    breaks: "two copies",
    mishaps: 2,
    after: ({ destination }) => destination.state === "prepared",
  },
  {
    name: "a held copy runs on peer-lost",
    changes: destinationWith("prepared", "peer-lost", go("resuming", "continue-tree")),
    breaks: "two copies",
    mishaps: 1,
  },
  {
    name: "a held copy is discarded on peer-lost",
    changes: destinationWith(
      "prepared",
      "peer-lost",
      go("discarding", "journal-discarded", "discard"),
    ),
    breaks: "no copy runs, and no way leads back",
    mishaps: 1,
  },
  {
    name: "a copy that was lost while it was continued is restored again",
    changes: destinationWith("resuming", "was-uncertain", go("reviving", "restore-again")),
    breaks: "a copy runs that has run before",
    mishaps: 2,
    after: ({ destination }) => destination.state === "resuming",
  },
  {
    name: "a recovered destination does not heed RUNNING",
    changes: {
      destinationRecovery: (marks, treeThere) =>
        RULES.destinationRecovery(marks.filter((mark) => mark !== "RUNNING"), treeThere),
    },
    breaks: "a copy runs that has run before",
    mishaps: 2,
    after: ({ destination }) => destination.state === "resuming",
  },
  {
    name: "a tree that is half restored stays when its phaul dies",
    changes: { leavesHalf: true },
    breaks: "a copy is left that nobody knows",
    mishaps: 1,
  },
  {
    name: "the destination forgets before the source does",
    changes: { forgetsFirst: true },
    breaks: "in doubt, though it runs there",
    mishaps: 3,
    after: ({ source }) => source.state === "done",
  },
  {
    name: "a journal that cannot be written keeps the source from rolling back",
    changes: { lenient: new Set() },
    breaks: "no copy runs, and no way leads back",
    mishaps: 2,
    after: ({ source }) => source.state === "intended",
  },
  {
    name: "a tree that lends its memory is killed as soon as the destination runs",
    changes: {
      ...sourceWith("lending", "acknowledged", go("draining", "journal-commit")),
      late: true,
    },
    breaks: "phaul killed a tree whose memory was still needed",
    mishaps: 0,
  },
  {
    name: "a tree that lends its memory is let go when its criu ends",
    changes: {
      ...sourceWith("draining", "criu-ended", go("draining", "continue-tree")),
      late: true,
    },
    breaks: "two copies",
    mishaps: 1,
    after: ({ source }) => source.state === "draining",
  },
  {
    name: "a source that lent is taken for one that committed when it is recovered",
    changes: {
      sourceRecovery: (marks, rebooted) => {
        const event = RULES.sourceRecovery(marks, rebooted);
        return event === "was-lent" ? "was-committed" : event;
      },
      late: true,
    },
    breaks: "phaul killed a tree whose memory was still needed",
    mishaps: 1,
    after: ({ source }) => source.state === "lending",
  },
];

for (const fault of FAULTS) {
  Deno.test(`model: finds that ${fault.name}`, () => {
    const promises = found(fault);
    assert(promises.includes(fault.breaks), [...new Set(promises)].join("; "));
  });
}

Deno.test("model: finds nothing where nothing is wrong", () => {
  assertEquals([...new Set(found({ changes: {}, mishaps: 1, breaks: "" }))], [""]);
});
