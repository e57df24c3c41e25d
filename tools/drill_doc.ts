/**
 * Puts the drill's table into docs/failure.md, between its two marks.
 *
 * @module
 */

import type { RowResult } from "../tests/drill/result.ts";
import { distinctRows, markdownOf, unreached } from "../tests/drill/table.ts";
import { FAILURE_DOC } from "./failure_doc.ts";
import { ROOT, runDeno } from "./process.ts";

const BEGIN = "<!-- The drill: written by deno task drill --write-docs -->";
const END = "<!-- End of the drill -->";

/**
 * Writes the results of a run.
 *
 * @throws Error when the marks are not there, or the formatter fails
 */
export async function writeDrillDoc(results: readonly RowResult[]): Promise<void> {
  const path = `${ROOT}${FAILURE_DOC}`;
  await Deno.writeTextFile(path, withDrill(await Deno.readTextFile(path), results));
  const { code, stderr } = await runDeno(["fmt", "--quiet", path]);
  if (code !== 0) throw new Error(`Cannot format ${FAILURE_DOC}: ${stderr}`);
}

/** `text` with the table of `results` between its marks. Pure. */
export function withDrill(text: string, results: readonly RowResult[]): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`Cannot find the marks in "${FAILURE_DOC}"`);
  const most = Math.max(0, ...results.map(({ copies }) => copies));
  const parts = [
    `${distinctRows(results)} rows, told apart by state, event and fault, in ${results.length} ` +
    `migrations; the most copies that ran at one moment: ${most}.`,
    markdownOf(results),
    "Pairs of state and event that no row came by:",
    unreached(results).map((line) => `- ${line}`).join("\n"),
  ];
  return `${text.slice(0, begin)}${BEGIN}\n\n${parts.join("\n\n")}\n\n${text.slice(end)}`;
}
