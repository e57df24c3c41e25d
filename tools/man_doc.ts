/**
 * `deno run -A tools/man_doc.ts`: writes docs/man/phaul.1 from the same table as the help texts.
 *
 * @module
 */

import type { CommandHelp, FlagGroup } from "../src/cli/command.ts";
import { EXIT_CODES } from "../src/cli/exit_codes.ts";
import type { Flag } from "../src/cli/flags.ts";
import { COMMANDS } from "../src/cli/run.ts";
import { ROOT } from "./process.ts";

/** The page, relative to the project's folder. */
export const MAN_PAGE = "docs/man/phaul.1";

/** The page as it has to be, in the macros of man(7). */
export function manPage(): string {
  const lines = [
    '.\\" Written by deno task docs.',
    ".TH PHAUL 1",
    ".SH NAME",
    "phaul \\- move a running Linux process tree to another host",
    ".SH SYNOPSIS",
    ...COMMANDS.flatMap(({ name, usage }) => [`.B phaul ${name}`, text(usage), ".br"]),
    ".SH DESCRIPTION",
    "Memory is copied while the processes run, over several iterations; then they are frozen for an",
    "instant, dumped, and restored on the other host. Exactly one copy runs at every moment.",
    ".SH COMMANDS",
    ...COMMANDS.flatMap(commandLines),
    ".SH EXIT STATUS",
    ...term("0", "done"),
    ...Object.entries(EXIT_CODES).flatMap(([code, { exit, means }]) =>
      term(String(exit), `${code}: ${means}`)
    ),
    ".SH SEE ALSO",
    ".BR criu (8)",
  ];
  return `${lines.join("\n")}\n`;
}

function commandLines({ name, summary, about, flags, examples }: CommandHelp): string[] {
  return [
    `.SS phaul ${name}`,
    `${text(summary)}.`,
    ...about.flatMap((paragraph) => [".PP", text(paragraph)]),
    ...flags.flatMap(groupLines),
    ".PP",
    "Examples:",
    ...examples.flatMap(({ does, line }) => term(line, does)),
  ];
}

function groupLines({ title, flags }: FlagGroup): string[] {
  return [".PP", `${text(title)}:`, ...Object.values(flags).flatMap(flagLines)];
}

function flagLines({ name, placeholder, help, shownDefault }: Flag<unknown>): string[] {
  const value = placeholder === undefined ? "" : ` ${placeholder}`;
  const remark = shownDefault === undefined ? "" : ` (default: ${shownDefault})`;
  return term(`--${name}${value}`, `${help}${remark}`);
}

function term(tag: string, meaning: string): string[] {
  return [".TP", `.B ${text(tag)}`, text(meaning)];
}

/** As one line of text: a backslash, and a dot or quote at its begin, would mean something else. */
function text(words: string): string {
  return words.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^(?=[.'])/, "\\&");
}

if (import.meta.main) {
  await Deno.mkdir(`${ROOT}docs/man`, { recursive: true });
  await Deno.writeTextFile(ROOT + MAN_PAGE, manPage());
}
