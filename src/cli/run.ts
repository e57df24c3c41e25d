/**
 * The command line's front: finds the command and turns its end into an exit code.
 *
 * @module
 */

import { asPhaulError } from "../errors.ts";
import type { Command, Context } from "./command.ts";
import { makeCompletionCommand } from "./completion.ts";
import { usageError } from "./flags.ts";
import { commandHelp, generalHelp, makeHelpCommand } from "./help.ts";
import { EXIT_OK, exitCodeOf } from "./exit_codes.ts";
import { HISTORY_COMMAND } from "./history.ts";
import { MIGRATE_COMMAND } from "./migrate.ts";
import { CANCEL_COMMAND } from "./cancel.ts";
import { CHECK_COMMAND } from "./check.ts";
import { PLAN_COMMAND } from "./plan.ts";
import { RECOVER_COMMAND } from "./recover.ts";
import { Reporter } from "./reporter.ts";
import { RESTORE_COMMAND } from "./restore.ts";
import { SELFTEST_COMMAND } from "./selftest.ts";
import { SERVE_COMMAND } from "./serve.ts";
import { STATUS_COMMAND } from "./status.ts";
import { VERSION_COMMAND } from "./version.ts";

const WORKERS: readonly Command[] = [
  SERVE_COMMAND,
  MIGRATE_COMMAND,
  RESTORE_COMMAND,
  CHECK_COMMAND,
  PLAN_COMMAND,
  STATUS_COMMAND,
  RECOVER_COMMAND,
  CANCEL_COMMAND,
  HISTORY_COMMAND,
  SELFTEST_COMMAND,
  VERSION_COMMAND,
];

const OTHERS: readonly Command[] = [...WORKERS, makeCompletionCommand(WORKERS)];

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [...OTHERS, makeHelpCommand(OTHERS)];

/**
 * Runs one command line.
 *
 * @returns The exit code; never rejects for a failure of the command.
 */
export async function runCli(args: readonly string[], context: Context): Promise<number> {
  const [name, ...rest] = args;
  try {
    return await dispatch(name, rest, context);
  } catch (error) {
    const reporter = new Reporter(context.terminal, { json: rest.includes("--json"), many: false });
    return reporter.failure(asPhaulError(error));
  }
}

async function dispatch(
  name: string | undefined,
  rest: readonly string[],
  context: Context,
): Promise<number> {
  switch (name) {
    case undefined:
      context.terminal.err(generalHelp(COMMANDS));
      return exitCodeOf("usage");
    case "--help":
    case "-h":
      context.terminal.out(generalHelp(COMMANDS));
      return EXIT_OK;
    case "--version":
      return await VERSION_COMMAND.run(rest, context);
  }
  const command = COMMANDS.find((one) => one.name === name);
  if (command === undefined) throw usageError("", `Cannot run "${name}": no such command`);
  if (asksForHelp(rest)) {
    context.terminal.out(commandHelp(command));
    return EXIT_OK;
  }
  return await command.run(rest, context);
}

/** Help goes before everything: also beside flags that are wrong. */
function asksForHelp(args: readonly string[]): boolean {
  return args.some((arg) => arg === "--help" || arg === "-h");
}
