/**
 * The operator's program that is run, and waited for, at each stage.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import type { Side } from "../migrate/tables.ts";
import type { Stage } from "./events.ts";

/** What the program is told, as environment variables `PHAUL_...`. */
export interface HookContext {
  readonly stage: Stage;
  readonly side: Side;
  readonly migration: string;
  /** Root of the tree on this host, where there is one. */
  readonly pid?: number;
  readonly iteration?: number;
}

/**
 * Runs `program` and waits until it ends or `deadlineMs` is over, when it is killed.
 *
 * @throws PhaulError `hook-failed` when it cannot be run, takes too long or exits with other than 0
 */
export async function runHook(
  program: string,
  context: HookContext,
  deadlineMs: number,
): Promise<void> {
  const describe = `Cannot pass stage "${context.stage}": the hook "${program}"`;
  const output = await outputOf(program, context, deadlineMs, describe);
  if (output.success) return;
  const said = new TextDecoder().decode(output.stderr).trim().slice(0, 500);
  const how = output.signal === null ? `exited with ${output.code}` : `died of ${output.signal}`;
  throw new PhaulError("hook-failed", `${describe} ${how}${said ? `: ${said}` : ""}`, {
    remedy: "Mend the program, or migrate without --hook",
  });
}

async function outputOf(
  program: string,
  context: HookContext,
  deadlineMs: number,
  describe: string,
): Promise<Deno.CommandOutput> {
  try {
    return await new Deno.Command(program, {
      env: environmentOf(context),
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      signal: AbortSignal.timeout(deadlineMs),
    }).output();
  } catch (error) {
    throw new PhaulError(
      "hook-failed",
      `${describe} cannot be run: ${asPhaulError(error).message}`,
      {
        remedy: "Check that the file exists and is executable",
        cause: error,
      },
    );
  }
}

function environmentOf(context: HookContext): Record<string, string> {
  return {
    PHAUL_STAGE: context.stage,
    PHAUL_SIDE: context.side,
    PHAUL_MIGRATION: context.migration,
    ...(context.pid === undefined ? {} : { PHAUL_PID: String(context.pid) }),
    ...(context.iteration === undefined ? {} : { PHAUL_ITERATION: String(context.iteration) }),
  };
}
