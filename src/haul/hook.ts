/**
 * The operator's program, or programs, that are run, and waited for, at each stage.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import type { Side } from "../migrate/tables.ts";
import type { HaulEvent, Stage } from "./events.ts";
import { runProgram } from "./program.ts";

/** What the program is told, as environment variables `PHAUL_...`, and as JSON on its standard input. */
export interface HookContext {
  readonly event: HaulEvent;
  readonly stage: Stage;
  readonly side: Side;
  readonly migration: string;
  /** Root of the tree on this host, where there is one. */
  readonly pid?: number;
  readonly iteration?: number;
}

/**
 * Runs the program at `path`; or, where that is a directory, each program in it, by name, until one fails.
 * All of them together have `deadlineMs`. Left out are files that are not executable, and those that begin with a dot or end with a tilde.
 *
 * @throws PhaulError `hook-failed` as {@linkcode runHook}, or when the directory cannot be read
 */
export async function runHooks(
  path: string,
  context: HookContext,
  deadlineMs: number,
): Promise<void> {
  const until = performance.now() + deadlineMs;
  for (const program of await programsAt(path)) {
    await runHook(program, context, Math.max(0, Math.ceil(until - performance.now())));
  }
}

async function programsAt(path: string): Promise<string[]> {
  // What cannot be looked at, or is found on PATH, fails or succeeds when it is run.
  const info = await Deno.stat(path).catch(() => undefined);
  if (!info?.isDirectory) return [path];
  try {
    const names = (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name).sort();
    const programs = names.filter((name) => !/^[.]|~$/.test(name)).map((name) => `${path}/${name}`);
    const executable = await Promise.all(programs.map(isExecutable));
    return programs.filter((_, index) => executable[index]);
  } catch (cause) {
    throw new PhaulError("hook-failed", `Cannot read the hooks in "${path}"`, {
      remedy: "Check that it is a directory that root can read",
      cause,
    });
  }
}

async function isExecutable(path: string): Promise<boolean> {
  // A link may lead nowhere.
  const info = await Deno.stat(path).catch(() => undefined);
  return info?.isFile === true && ((info.mode ?? 0) & 0o111) !== 0;
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
  const given = { env: environmentOf(context), input: `${JSON.stringify(context.event)}\n` };
  const { success, how } = await runProgram(program, [], given, deadlineMs).catch((cause) => {
    const message = `${describe} cannot be run: ${asPhaulError(cause).message}`;
    const remedy = "Check that the file exists and is executable";
    throw new PhaulError("hook-failed", message, { remedy, cause });
  });
  if (success) return;
  throw new PhaulError("hook-failed", `${describe} ${how}`, {
    remedy: "Mend the program, or migrate without --hook",
  });
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
