/** Results as rows of text. Pure. */

import { type Figures, middle, type Report, type Result } from "./figures.ts";
import { reachedGoals } from "./goals.ts";

const HEAD = [
  ...["victim", "contestant", "downtime ms", "over floor", "predicted ms", "frozen ms"],
  "after dump ms",
  ...["pre-dumps", "stall each ms", "stall after ms", "drained ms", "wall ms", "sent / memory"],
  ...["CPU ms", "peak MiB"],
] as const;

/** The runs of one ground: a head, and a row for each pair of victim and contestant. */
export function figureRows(results: readonly Result[]): readonly (readonly string[])[] {
  const groups = Map.groupBy(results, ({ victim, contestant }) => `${victim} ${contestant}`);
  return [HEAD, ...[...groups.values()].map((runs) => rowOf(runs, results))];
}

function rowOf(runs: readonly Result[], all: readonly Result[]): readonly string[] {
  const [{ victim, contestant } = { victim: "", contestant: "" }] = runs;
  const figures = middle(runs)?.figures;
  const cells = figures === undefined
    ? ["failed", ...HEAD.slice(3).map(() => "")]
    : cellsOf(figures, floorOf(all, victim));
  return [victim, contestant, ...cells];
}

function floorOf(results: readonly Result[], victim: string): number | undefined {
  const runs = results.filter((run) => run.victim === victim && run.contestant === "floor");
  return middle(runs)?.figures?.downtimeMs;
}

function cellsOf(figures: Figures, floorMs: number | undefined): string[] {
  const { used, stallsMs } = figures;
  return [
    figures.downtimeMs.toFixed(1),
    floorMs === undefined ? "" : (figures.downtimeMs / floorMs).toFixed(2),
    shown(figures.predictedMs),
    shown(figures.frozenMs),
    shown(figures.afterDumpMs),
    `${stallsMs.length}`,
    stallsMs.map((stall) => stall.toFixed(1)).join(" "),
    figures.worstStallAfterMs.toFixed(1),
    figures.drainMs.toFixed(0),
    figures.wallMs.toFixed(0),
    figures.sentPerMemory?.toFixed(2) ?? "",
    used ? `${used.source.cpuMs.toFixed(0)} + ${used.destination.cpuMs.toFixed(0)}` : "",
    used ? `${used.source.peakMib.toFixed(0)} + ${used.destination.peakMib.toFixed(0)}` : "",
  ];
}

function shown(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(1);
}

/** The promises: a head, and a row for each on each ground. */
export function goalRows(report: Report): readonly (readonly string[])[] {
  const rows = reachedGoals(report).map(({ ground, goal, value, kept }) => [
    ground,
    goal.what,
    `${goal.sense} ${goal.limit}${goal.unit && ` ${goal.unit}`}`,
    value === undefined ? "not run" : `${value.toFixed(2)}${goal.unit && ` ${goal.unit}`}`,
    kept === undefined ? "" : kept ? "yes" : "no",
  ]);
  return [["ground", "goal", "limit", "reached", "kept"], ...rows];
}

/** Rows with their columns under one another, for a terminal. */
export function plainTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  return rows.map((row) =>
    row.map((cell, column) =>
      column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
    ).join("  ").trimEnd()
  ).join("\n");
}
