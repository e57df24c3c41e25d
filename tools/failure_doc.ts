/**
 * `deno run -A tools/failure_doc.ts`: writes into docs/failure.md, between its marks, the state
 * tables and what recoveries do. It is what the roles execute, so the document cannot say anything else.
 *
 * @module
 */

import {
  DESTINATION_FINAL,
  DESTINATION_TABLE,
  type Row,
  SOURCE_FINAL,
  SOURCE_TABLE,
  type Table,
} from "../src/migrate/tables.ts";
import { codes, markdownTable } from "./markdown.ts";
import { ROOT } from "./process.ts";
import { recoveryTables } from "./recovery_doc.ts";

/** The document, relative to the project's folder. */
export const FAILURE_DOC = "docs/failure.md";

/** Parts of the document that are written here, each between two marks. */
const PARTS = [
  {
    begin: "<!-- Recoveries: written by tools/failure_doc.ts -->",
    end: "<!-- End of the recoveries -->",
    content: recoveryTables,
  },
  {
    begin: "<!-- State tables: written by tools/failure_doc.ts -->",
    end: "<!-- End of the state tables -->",
    content: stateTables,
  },
] as const;

type AnyTable = Table<string, string, string>;
type AnyRow = Row<string, string> | "impossible";

interface ShownSide {
  readonly title: string;
  readonly table: AnyTable;
  readonly final: ReadonlySet<string>;
}

const SIDES: readonly ShownSide[] = [
  { title: "The source", table: SOURCE_TABLE, final: SOURCE_FINAL },
  { title: "The destination", table: DESTINATION_TABLE, final: DESTINATION_FINAL },
];

/**
 * `text` with the tables between its marks as they have to be.
 *
 * @throws Error when the marks are not there
 */
export function withTables(text: string): string {
  return PARTS.reduce((document, { begin, end, content }) => {
    const from = document.indexOf(begin);
    const to = document.indexOf(end);
    if (from < 0 || to < from) throw new Error(`Cannot find the marks in "${FAILURE_DOC}"`);
    return `${document.slice(0, from)}${begin}\n\n${content()}\n\n${document.slice(to)}`;
  }, text);
}

function stateTables(): string {
  return SIDES.flatMap(({ title, table, final }) => [
    `### ${title}`,
    diagram(table, final),
    ...Object.entries(table).map(([state, rows]) => stateTable(state, rows)),
  ]).join("\n\n");
}

/** A diagram of every way from one state to another; what leaves a state as it is, is left out. */
export function diagram(table: AnyTable, final: ReadonlySet<string>): string {
  const states = Object.keys(table);
  // Mermaid takes no hyphen in the name of a state.
  const id = (state: string) => state.replaceAll("-", "_");
  const edges = states.flatMap((from) =>
    groupsOf(table[from] ?? {})
      .flatMap(({ events, row }) => row === "impossible" ? [] : [{ events, to: row.to }])
      .filter(({ to }) => to !== from)
      .map(({ events, to }) => `  ${id(from)} --> ${id(to)}: ${events.join(", ")}`)
  );
  return [
    "```mermaid",
    "stateDiagram-v2",
    ...states.filter((state) => id(state) !== state)
      .map((state) => `  state "${state}" as ${id(state)}`),
    // Both tables begin with the state that a role starts in.
    `  [*] --> ${id(states[0] ?? "")}`,
    ...edges,
    ...states.filter((state) => final.has(state)).map((state) => `  ${id(state)} --> [*]`),
    "```",
  ].join("\n");
}

function stateTable(state: string, rows: Readonly<Record<string, AnyRow>>): string {
  const lines = groupsOf(rows).map(({ events, row }, _, groups) => [
    groups.length === 1 ? "any event" : codes(events),
    row === "impossible" ? "impossible" : row.to === state ? "stays" : `\`${row.to}\``,
    row === "impossible" ? "" : row.actions.join(", "),
  ]);
  return markdownTable([[`in \`${state}\``, "goes to", "does, in this order"], ...lines]);
}

interface Group {
  readonly events: string[];
  readonly row: AnyRow;
}

/** Events that a state answers alike, in the table's order; the impossible ones last. */
function groupsOf(rows: Readonly<Record<string, AnyRow>>): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const [event, row] of Object.entries(rows)) {
    const key = JSON.stringify(row);
    const group = groups.get(key);
    if (group) group.events.push(event);
    else groups.set(key, { events: [event], row });
  }
  const all = [...groups.values()];
  return [
    ...all.filter(({ row }) => row !== "impossible"),
    ...all.filter(({ row }) => row === "impossible"),
  ];
}

if (import.meta.main) {
  const path = `${ROOT}${FAILURE_DOC}`;
  await Deno.writeTextFile(path, withTables(await Deno.readTextFile(path)));
}
