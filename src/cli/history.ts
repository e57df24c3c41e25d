/**
 * `phaul history`.
 *
 * @module
 */

import type { HistoryEntry } from "../haul/history.ts";
import type { Command, Context } from "./command.ts";
import { JSON_FLAG, STATE_DIR_FLAG } from "./common_flags.ts";
import { EXIT_OK } from "./exit_codes.ts";
import { count, showBytes, showMs } from "./figures.ts";
import { optional, parseFlags } from "./flags.ts";
import { oneLine } from "./one_line.ts";
import { Reporter } from "./reporter.ts";
import { wholeNumber } from "./values.ts";

const SHOWN_ID_DIGITS = 8;

const FLAGS = {
  last: optional({
    name: "last",
    placeholder: "N",
    help: "Tell of the last N only",
    read: wholeNumber(1),
    fallback: 20,
    shownDefault: "20",
  }),
  stateDir: STATE_DIR_FLAG,
  json: JSON_FLAG,
} as const;

/** The command. */
export const HISTORY_COMMAND: Command = {
  name: "history",
  summary: "List past migrations from this host, the newest first",
  usage: "[FLAGS]",
  about: [
    "Each migration is written down at its end: when, what, where to, and how it went. With --json all " +
    "that its summary said is there: each iteration, and when each stage was reached.",
  ],
  examples: [
    { does: "What moved lately", line: "phaul history" },
    { does: "The last one, in full, for a program", line: "phaul history --last 1 --json" },
  ],
  flags: [{ title: "Flags", flags: FLAGS }],
  run: runHistory,
};

async function runHistory(args: readonly string[], context: Context): Promise<number> {
  const { last, stateDir, json } = parseFlags("history", FLAGS, args);
  const entries = (await context.roles.history(stateDir)).slice(0, last);
  const reporter = new Reporter(context.terminal, { json, many: false });
  for (const { v: _, ...entry } of entries) reporter.json({ event: "past", ...entry });
  if (!json) context.terminal.out(describeHistory(entries));
  return EXIT_OK;
}

/** Two lines an entry: what, and how it went. */
export function describeHistory(entries: readonly HistoryEntry[]): string {
  if (entries.length === 0) return "No migration from this host is remembered\n";
  return entries.map((entry) => `${headOf(entry)}\n  ${endOf(entry)}\n`).join("");
}

function headOf({ at, migration, pid, comm, peer }: HistoryEntry): string {
  const name = comm === undefined ? "" : ` (${oneLine(comm)})`;
  const id = migration.slice(0, SHOWN_ID_DIGITS);
  return `${oneLine(at)}  ${id}  process ${pid}${name} to ${oneLine(peer)}`;
}

function endOf({ summary, failure, whereabouts }: HistoryEntry): string {
  if (failure) return `${failure.code}: ${oneLine(failure.message)} (it is: ${whereabouts})`;
  if (!summary) return whereabouts;
  const { iterations, bytes, totalMs, switchoverMs } = summary;
  return `moved in ${showMs(totalMs)}, ${count(iterations.length, "iteration")}, ` +
    `${showBytes(bytes)}, switched over in ${showMs(switchoverMs)}`;
}
