/**
 * Puts the benchmark's tables into docs/performance.md, between its two marks, and its picture beside it.
 *
 * @module
 */

import { chart } from "../tests/bench/chart.ts";
import type { Report } from "../tests/bench/figures.ts";
import { figureRows, goalRows } from "../tests/bench/table.ts";
import { codes, markdownTable } from "./markdown.ts";
import { ROOT, runDeno } from "./process.ts";

const DOC = "docs/performance.md";
const PICTURE = "downtime.svg";
const BEGIN = "<!-- The benchmark: written by deno task bench --write-docs -->";
const END = "<!-- End of the benchmark -->";

/**
 * Writes what a report tells.
 *
 * @throws Error when the marks are not there, or the formatter fails
 */
export async function writeBenchDoc(report: Report): Promise<void> {
  const path = `${ROOT}${DOC}`;
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, withBench(text, report));
  const picture = `${ROOT}docs/${PICTURE}`;
  await Deno.writeTextFile(picture, chart(report.results));
  const { code, stderr } = await runDeno(["fmt", "--quiet", path, picture]);
  if (code !== 0) throw new Error(`Cannot format ${DOC}: ${stderr}`);
}

/** `text` with the tables of `report` between its marks. Pure. */
export function withBench(text: string, report: Report): string {
  const { commands, results, baselines } = report;
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`Cannot find the marks in "${DOC}"`);
  const grounds = [...Map.groupBy(results, ({ ground }) => ground)];
  const parts = [
    `Measured by ${codes(commands)}.`,
    `![Downtime by memory size](${PICTURE})`,
    "### Goals",
    markdownTable(goalRows(report)),
    ...grounds.flatMap(([ground, runs]) => [
      `### ${ground[0]?.toUpperCase()}${ground.slice(1)}`,
      ...baselines.filter((baseline) => baseline.ground === ground)
        .map(({ tcpMbPerS }) =>
          `A plain TCP connection carries ${tcpMbPerS.toFixed(0)} MB/s here.`
        ),
      markdownTable(figureRows(runs)),
    ]),
  ];
  return `${text.slice(0, begin)}${BEGIN}\n\n${parts.join("\n\n")}\n\n${text.slice(end)}`;
}
