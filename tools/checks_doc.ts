/**
 * `deno run -A tools/checks_doc.ts`: writes into docs/checks.md, between its marks, what can be
 * found, and what CRIU may say.
 *
 * @module
 */

import { CHECKS, errorOf, isCheckCode } from "../src/check/mod.ts";
import { KNOWN_MESSAGES } from "../src/criu/known_messages.ts";
import { EXIT_CODES } from "../src/cli/exit_codes.ts";
import { codes, markdownTable } from "./markdown.ts";
import { ROOT } from "./process.ts";

/** The document, relative to the project's folder. */
export const CHECKS_DOC = "docs/checks.md";

/** What stands between which marks. */
const TABLES = [
  {
    begin: "<!-- Checks: written by tools/checks_doc.ts -->",
    end: "<!-- End of the checks -->",
    table: checksTable,
  },
  {
    begin: "<!-- Messages: written by tools/checks_doc.ts -->",
    end: "<!-- End of the messages -->",
    table: messagesTable,
  },
] as const;

/**
 * `text` with the tables between its marks as they have to be.
 *
 * @throws Error when the marks are not there
 */
export function withChecks(text: string): string {
  return TABLES.reduce((filled, { begin, end, table }) => {
    const [from, to] = [filled.indexOf(begin), filled.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`Cannot find the marks in "${CHECKS_DOC}"`);
    return `${filled.slice(0, from)}${begin}\n\n${table()}\n\n${filled.slice(to)}`;
  }, text);
}

function checksTable(): string {
  const rows = Object.entries(CHECKS).flatMap(([code, { worst, means }]) => {
    if (!isCheckCode(code)) return [];
    const error = errorOf(code);
    const end = worst === "blocker" ? `${EXIT_CODES[error].exit} ${codes([error])}` : "";
    return [[codes([code]), worst, means, end]];
  });
  return markdownTable([["code", "at worst", "what was found", "migrate ends with"], ...rows]);
}

function messagesTable(): string {
  const rows = KNOWN_MESSAGES.map(({ id, meaning, remedy }) => [codes([id]), meaning, remedy]);
  return markdownTable([["message", "what it means", "what to do"], ...rows]);
}

if (import.meta.main) {
  const path = `${ROOT}${CHECKS_DOC}`;
  await Deno.writeTextFile(path, withChecks(await Deno.readTextFile(path)));
}
