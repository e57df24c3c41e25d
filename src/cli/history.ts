/**
 * `phaul history`.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { HistoryEntry } from "../haul/history.ts";
import type { Command, Context } from "./command.ts";
import { JSON_FLAG, STATE_DIR_FLAG } from "./common_flags.ts";
import { EXIT_OK } from "./exit_codes.ts";
import { count, showBytes, showMs } from "./figures.ts";
import { maybe, optional } from "./flags.ts";
import { parseWithId } from "./migration_id.ts";
import { oneLine } from "./one_line.ts";
import { writeReport } from "./report/write.ts";
import { Reporter } from "./reporter.ts";
import { filePath, wholeNumber } from "./values.ts";

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
  report: maybe({
    name: "report",
    placeholder: "FILE.html",
    help: "Write the page on the one with that ID, or on the last one, as phaul migrate does",
    read: filePath,
  }),
  stateDir: STATE_DIR_FLAG,
  json: JSON_FLAG,
} as const;

/** The command. */
export const HISTORY_COMMAND: Command = {
  name: "history",
  summary: "List past migrations from and to this host, the newest first",
  usage: "[ID] [FLAGS]",
  about: [
    "Each migration is written down at its end, on both hosts, by the phaul that carried it out: " +
    "when, what, where to or from, and how it went. With --json all that is " +
    "known is there, and --report makes a page of it.",
  ],
  examples: [
    { does: "What moved lately", line: "phaul history" },
    { does: "The last one, in full, for a program", line: "phaul history --last 1 --json" },
    { does: "One of them, for a browser", line: "phaul history b9879251 --report b98.html" },
  ],
  flags: [{ title: "Flags", flags: FLAGS }],
  run: runHistory,
};

async function runHistory(args: readonly string[], context: Context): Promise<number> {
  const { migration, values: { last, report, stateDir, json } } = parseWithId(
    "history",
    FLAGS,
    args,
  );
  const all = (await context.roles.history(stateDir)).filter((entry) =>
    migration === undefined || entry.migration.startsWith(migration)
  );
  if (all.length === 0 && (migration ?? report) !== undefined) throw unknown(migration);
  const entries = all.slice(0, report === undefined ? last : 1);
  const reporter = new Reporter(context.terminal, { json, many: false });
  for (const { v: _, ...entry } of entries) reporter.json({ event: "past", ...entry });
  if (!json) context.terminal.out(describeHistory(entries));
  const [newest] = entries;
  if (report !== undefined && newest) {
    await writeReport(newest, report);
    reporter.line(`Report: ${report}`);
  }
  return EXIT_OK;
}

function unknown(migration: string | undefined): PhaulError {
  const which = migration === undefined ? "any migration" : `migration ${migration}`;
  return new PhaulError("no-such-migration", `Cannot tell of ${which}: none is remembered`, {
    remedy: "phaul history lists those that are remembered on this host",
  });
}

/** Two lines an entry: what, and how it went. */
export function describeHistory(entries: readonly HistoryEntry[]): string {
  if (entries.length === 0) return "No migration from or to this host is remembered\n";
  return entries.map((entry) => `${headOf(entry)}\n  ${endOf(entry)}\n`).join("");
}

function headOf({ at, migration, side, pid, comm, peer }: HistoryEntry): string {
  const name = comm === undefined ? "" : ` (${oneLine(comm)})`;
  const way = side === "source" ? "to" : "from";
  const id = migration.slice(0, SHOWN_ID_DIGITS);
  return `${oneLine(at)}  ${id}  process ${pid}${name} ${way} ${oneLine(peer)}`;
}

function endOf({ summary, failure, whereabouts }: HistoryEntry): string {
  if (failure) return `${failure.code}: ${oneLine(failure.message)} (it is: ${whereabouts})`;
  if (!summary) return whereabouts === "destination" ? "moved: it ran here" : whereabouts;
  const { iterations, bytes, totalMs, switchoverMs } = summary;
  return `moved in ${showMs(totalMs)}, ${count(iterations.length, "iteration")}, ` +
    `${showBytes(bytes)}, switched over in ${showMs(switchoverMs)}`;
}
