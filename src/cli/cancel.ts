/**
 * `phaul cancel`.
 *
 * @module
 */

import type { Cancelled } from "../haul/cancel.ts";
import type { Command, Context } from "./command.ts";
import { JSON_FLAG, STATE_DIR_FLAG, TIMEOUT_FLAGS, timeoutsOf } from "./common_flags.ts";
import { EXIT_OK, exitCodeOf } from "./exit_codes.ts";
import { usageError } from "./flags.ts";
import { parseWithId } from "./migration_id.ts";
import { Reporter } from "./reporter.ts";

const HOST_FLAGS = { stateDir: STATE_DIR_FLAG, json: JSON_FLAG } as const;
const FLAGS = { ...HOST_FLAGS, ...TIMEOUT_FLAGS } as const;

/** The command. */
export const CANCEL_COMMAND: Command = {
  name: "cancel",
  summary: "Cancel a migration that runs on this host, as Ctrl-C would",
  usage: "ID [FLAGS]",
  about: [
    "Before the commit the process goes on at its source, and the destination is left clean. After " +
    "it the migration is finished: there is no way back. Either is said, and waited for.",
  ],
  examples: [{
    does: "Cancel the migration that phaul status shows",
    line: "phaul cancel b9879251",
  }],
  flags: [
    { title: "This host", flags: HOST_FLAGS },
    { title: "Deadlines", flags: TIMEOUT_FLAGS },
  ],
  run: runCancel,
};

async function runCancel(args: readonly string[], context: Context): Promise<number> {
  const { migration, values } = parseWithId("cancel", FLAGS, args);
  if (migration === undefined) {
    throw usageError("cancel", "Cannot do without the ID: phaul status shows it");
  }
  const { stateDir, json } = values;
  const reporter = new Reporter(context.terminal, { json, many: false });
  reporter.line(`Cancelling migration ${migration}`);
  const timeouts = timeoutsOf(values);
  const cancelled = await context.roles.cancel({ stateDir, migration, timeouts });
  reporter.line(outcome(cancelled));
  reporter.json({ event: "cancelled", ...cancelled });
  return cancelled.whereabouts === "source" ? EXIT_OK : exitCodeOf("too-late");
}

function outcome({ migration, whereabouts }: Cancelled): string {
  switch (whereabouts) {
    case "source":
      return "Cancelled: the process goes on at its source";
    case "destination":
      return "Too late to cancel: the process was handed over";
    case "in-doubt":
      return `Too late to cancel from here: see phaul status ${migration}`;
    case "gone":
      return "The process has ended";
    default:
      throw new TypeError(`Unknown: ${whereabouts satisfies never}`);
  }
}
