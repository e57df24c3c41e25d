/**
 * `phaul recover`.
 *
 * @module
 */

import type { HaulEvent } from "../haul/events.ts";
import type { Force, RecoverOptions } from "../haul/options.ts";
import type { Recovered } from "../haul/standing.ts";
import type { Command, Context } from "./command.ts";
import {
  CRIU_FLAG,
  deadline,
  JSON_FLAG,
  STATE_DIR_FLAG,
  TIMEOUT_FLAGS,
  timeoutsOf,
  WORK_DIR_FLAG,
} from "./common_flags.ts";
import { EXIT_OK, exitCodeOf } from "./exit_codes.ts";
import { toggle, usageError } from "./flags.ts";
import { parseWithId } from "./migration_id.ts";
import { Reporter } from "./reporter.ts";
import { describeRecovered } from "./standings.ts";

/** Shorter than a migration's: here somebody waits, and may come again. */
const COMMIT_MS = 30_000;

const FORCE_FLAGS = {
  forceSource: toggle({
    name: "force-source",
    help: "Give up the destination's copy. If the source has none any more, the process is lost",
  }),
  forceDestination: toggle({
    name: "force-destination",
    help:
      "Let the destination's copy go on. If the source's runs as well, there are two; what it " +
      "did after it was copied is lost or done again",
  }),
} as const;

const HOST_FLAGS = {
  stateDir: STATE_DIR_FLAG,
  workDir: WORK_DIR_FLAG,
  criuPath: CRIU_FLAG,
  json: JSON_FLAG,
} as const;

const DEADLINE_FLAGS = {
  ...TIMEOUT_FLAGS,
  commitMs: deadline("commit-timeout", "How long the peer is tried", COMMIT_MS),
} as const;

const FLAGS = { ...FORCE_FLAGS, ...HOST_FLAGS, ...DEADLINE_FLAGS } as const;

/** The command. */
export const RECOVER_COMMAND: Command = {
  name: "recover",
  summary: "Finish, or roll back, what was interrupted on this host",
  usage: "[ID] [FLAGS]",
  about: [
    "After the death of phaul, of CRIU or of a host: reads what this host's journals say, asks the " +
    "peer where that is needed, and brings each migration to its one right end. Run it on the " +
    "source first; a phaul serve does the safe part by itself.",
    "Where neither journal can tell which copy goes on, nothing is done until a person decides with " +
    "one of the force flags, for one ID.",
  ],
  examples: [
    { does: "After a crash, on the source", line: "phaul recover" },
    {
      does: "The source is lost for good: let the copy here go on",
      line: "phaul recover b9879251 --force-destination",
    },
  ],
  flags: [
    { title: "Decisions", flags: FORCE_FLAGS },
    { title: "This host", flags: HOST_FLAGS },
    { title: "Deadlines", flags: DEADLINE_FLAGS },
  ],
  run: runRecover,
};

async function runRecover(args: readonly string[], context: Context): Promise<number> {
  const { options, json } = readRecover(args);
  const reporter = new Reporter(context.terminal, { json, many: true });
  const sink = (event: HaulEvent) => reporter.event(event);
  const all = await context.roles.recover(options, sink, (one) => tell(one, reporter));
  if (all.length === 0) reporter.line("Nothing was interrupted on this host");
  const open = all.find(({ settled, error }) => !settled || error?.code === "not-forced");
  if (open === undefined) return EXIT_OK;
  return exitCodeOf(open.error?.code ?? (open.live ? "busy" : "undecided"));
}

function tell(one: Recovered, reporter: Reporter): void {
  for (const text of describeRecovered(one)) reporter.line(text);
  const { error, ...rest } = one;
  const why = error && { code: error.code, message: error.message, remedy: error.remedy };
  reporter.json({ event: "recovered", ...rest, ...(why ? { error: why } : {}) });
}

/**
 * Reads the command line of `phaul recover`.
 *
 * @throws {PhaulError} "usage".
 */
export function readRecover(args: readonly string[]): { options: RecoverOptions; json: boolean } {
  const { migration, values } = parseWithId("recover", FLAGS, args);
  const { stateDir, workDir, criuPath, json } = values;
  const force = forceOf(values, migration);
  const timeouts = timeoutsOf(values);
  return { options: { stateDir, migration, force, criuPath, workDir, timeouts }, json };
}

function forceOf(
  flags: { readonly forceSource: boolean; readonly forceDestination: boolean },
  migration: string | undefined,
): Force | undefined {
  const { forceSource, forceDestination } = flags;
  if (!forceSource && !forceDestination) return undefined;
  if (forceSource && forceDestination) {
    throw usageError("recover", "Cannot use --force-source with --force-destination");
  }
  if (migration === undefined) {
    throw usageError("recover", "Cannot force without an ID: phaul status shows it");
  }
  return forceSource ? "source" : "destination";
}
