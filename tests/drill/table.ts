/** What a drill shows in the end. Pure. */

import { allPairs, type Pair } from "../../src/migrate/tables.ts";
import type { RowResult } from "./result.ts";
import { pairKey, rowFault } from "./row.ts";

const HEAD = ["state, event", "fault", "where", "outcome", "copies", "runs on", "recovered by"];

/** Results as cells, in the order of the state tables; the worst of those of one row. */
function cellsOf(results: readonly RowResult[]): string[][] {
  const order = new Map(allPairs().map((pair, index) => [pairKey(pair), index]));
  const place = ({ row }: RowResult) => order.get(pairKey(row.pair)) ?? Infinity;
  return worstOfEach(results).sort((a, b) =>
    place(a) - place(b) || nameOf(a).localeCompare(nameOf(b))
  ).map((result) => [
    `${result.row.pair.side} \`${result.row.pair.state}\`, \`${result.row.pair.event}\``,
    nameOf(result),
    result.row.place,
    result.troubles.length === 0 ? result.outcome : `**${result.outcome}, wrong**`,
    String(result.copies),
    result.runsOn || "-",
    result.recoveredBy,
  ]);
}

function nameOf({ row }: RowResult): string {
  return rowFault(row);
}

function worstOfEach(results: readonly RowResult[]): RowResult[] {
  const worst = new Map<string, RowResult>();
  for (const result of results) {
    const key = `${pairKey(result.row.pair)} ${nameOf(result)} ${result.row.place}`;
    const known = worst.get(key);
    if (!known || result.troubles.length > known.troubles.length) worst.set(key, result);
  }
  return [...worst.values()];
}

/** The table in Markdown, padded as the formatter wants it. */
export function markdownOf(results: readonly RowResult[]): string {
  const rows = [HEAD, ...cellsOf(results)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...body.map(line)].join("\n");
}

/** How many rows there were, told apart by state, event and fault. */
export function distinctRows(results: readonly RowResult[]): number {
  return new Set(results.map((result) => `${pairKey(result.row.pair)} ${nameOf(result)}`)).size;
}

/** The pairs of both tables that no phaul of the drill came by, a line for each state. */
export function unreached(results: readonly RowResult[]): string[] {
  const seen = new Set(results.flatMap(({ pairs }) => pairs.map(pairKey)));
  const missing = allPairs().filter((pair) => !seen.has(pairKey(pair)));
  const events = new Map<string, Pair[]>();
  for (const pair of missing) {
    const key = `${pair.side} ${pair.state}`;
    events.set(key, [...events.get(key) ?? [], pair]);
  }
  return [...events].map(([key, pairs]) => `${key}: ${pairs.map((p) => p.event).join(", ")}`);
}
