/**
 * What the tests of src/sys share.
 *
 * @module
 */

import { SyscallError } from "../../../src/errors.ts";

const DEADLINE_MS = 120_000;

/** How a fixture ended. */
export interface FixtureResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs fixtures/NAME.ts as a program of its own, by default with all permissions. */
export async function runFixture(
  name: string,
  options: { permissions?: string[]; wrapper?: string[] } = {},
): Promise<FixtureResult> {
  const path = new URL(`fixtures/${name}.ts`, import.meta.url).pathname;
  const line = [
    ...(options.wrapper ?? []),
    Deno.execPath(),
    ...["run", "--quiet", "--no-config", "--no-lock", "--no-prompt"],
    ...(options.permissions ?? ["--allow-all"]),
    path,
  ];
  const child = new Deno.Command(line[0] ?? "", {
    args: line.slice(1),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // Only so that a program that hangs fails its test instead of the whole run.
  const deadline = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(deadline);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** The SyscallError that `action` throws; fails when it throws none or another. */
export async function syscallErrorOf(action: () => unknown): Promise<SyscallError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof SyscallError) return error;
    throw error;
  }
  throw new Error("Expected a SyscallError, but nothing was thrown");
}

/** The flags of descriptor `raw` of this process, from open(2). */
export function fdFlags(raw: number): number {
  const info = Deno.readTextFileSync(`/proc/self/fdinfo/${raw}`);
  return parseInt(/^flags:\s*([0-7]+)$/m.exec(info)?.[1] ?? "", 8);
}

export const O_CLOEXEC = 0o2000000;
export const O_NONBLOCK = 0o4000;

/** What descriptor `raw` of a process is open on, such as `socket:[4711]`; undefined when closed. */
export function fdTarget(raw: number, pid: number | "self" = "self"): string | undefined {
  try {
    return Deno.readLinkSync(`/proc/${pid}/fd/${raw}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The fields of /proc/PID/stat that the tests look at; undefined when there is no such process. */
export function processStat(
  pid: number,
): { state: string; parentPid: number; processGroup: number; session: number } | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state = "", parentPid, processGroup, session] = fields;
  return {
    state,
    parentPid: Number(parentPid),
    processGroup: Number(processGroup),
    session: Number(session),
  };
}

/** Waits until `pid` is in one of `states`, as /proc/PID/stat names them. */
export async function untilState(pid: number, states: string): Promise<void> {
  while (!states.includes(processStat(pid)?.state ?? "?")) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
