/**
 * `deno run -A tools/checks_doc.ts`: writes into docs/checks.md, between its marks, what can be found.
 *
 * @module
 */

import { CHECKS, errorOf, isCheckCode } from "../src/check/mod.ts";
import { EXIT_CODES } from "../src/cli/exit_codes.ts";
import { codes, markdownTable } from "./markdown.ts";
import { ROOT } from "./process.ts";

/** The document, relative to the project's folder. */
export const CHECKS_DOC = "docs/checks.md";

const BEGIN = "<!-- Checks: written by tools/checks_doc.ts -->";
const END = "<!-- End of the checks -->";

/**
 * `text` with the table between its marks as it has to be.
 *
 * @throws Error when the marks are not there
 */
export function withChecks(text: string): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`Cannot find the marks in "${CHECKS_DOC}"`);
  const rows = Object.entries(CHECKS).flatMap(([code, { worst, means }]) => {
    if (!isCheckCode(code)) return [];
    const error = errorOf(code);
    const end = worst === "blocker" ? `${EXIT_CODES[error].exit} ${codes([error])}` : "";
    return [[codes([code]), worst, means, end]];
  });
  const table = markdownTable([
    ["code", "at worst", "what was found", "migrate ends with"],
    ...rows,
  ]);
  return `${text.slice(0, from)}${BEGIN}\n\n${table}\n\n${text.slice(to)}`;
}

if (import.meta.main) {
  const path = `${ROOT}${CHECKS_DOC}`;
  await Deno.writeTextFile(path, withChecks(await Deno.readTextFile(path)));
}
