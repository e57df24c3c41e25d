/**
 * `deno run -A tools/failure_doc.ts`: writes the state tables into docs/failure.md, between its two
 * marks. They are what the roles execute, so the document cannot say anything else.
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
import { ROOT } from "./process.ts";

/** The document, relative to the project's folder. */
export const FAILURE_DOC = "docs/failure.md";

const BEGIN = "<!-- State tables: written by tools/failure_doc.ts -->";
const END = "<!-- End of the state tables -->";

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
 * `text` with the state tables between its marks as they have to be.
 *
 * @throws Error when the marks are not there
 */
export function withStateTables(text: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`Cannot find the marks in "${FAILURE_DOC}"`);
  return `${text.slice(0, begin)}${BEGIN}\n\n${stateTables()}\n\n${text.slice(end)}`;
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
    groups.length === 1 ? "any event" : events.map((event) => `\`${event}\``).join(", "),
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

/** Columns padded as the formatter wants them. */
function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1, 2].map((column) =>
    Math.max(3, ...rows.map((row) => row[column]?.length ?? 0))
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...body.map(line)].join("\n");
}

if (import.meta.main) {
  const path = `${ROOT}${FAILURE_DOC}`;
  await Deno.writeTextFile(path, withStateTables(await Deno.readTextFile(path)));
}
