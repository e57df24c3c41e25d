/**
 * The operator's program, or programs, that are run, and waited for, at each stage.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import type { Side } from "../migrate/tables.ts";
import type { HaulEvent, Stage } from "./events.ts";

/** How much of what a failed hook said is kept, and how long is waited for it once it has ended. */
const MAX_WORDS = 2000;
const WORDS_MS = 200;

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
  using child = start(program, context, describe);
  const expired = await child.endsWithin(deadlineMs);
  if (expired) throw new PhaulError("hook-failed", `${describe} took more than ${deadlineMs} ms`);
  const { success, signal, code } = await child.status;
  if (success) return;
  const said = (await child.words()).trim().slice(0, 500);
  const how = signal === null ? `exited with ${code}` : `died of ${signal}`;
  throw new PhaulError("hook-failed", `${describe} ${how}${said ? `: ${said}` : ""}`, {
    remedy: "Mend the program, or migrate without --hook",
  });
}

/** A running hook. Its end is what counts: what it leaves in the background may hold its stderr open. */
class RunningHook implements Disposable {
  readonly #child: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #words: Promise<string>;
  #said = "";

  constructor(child: Deno.ChildProcess, input: string) {
    this.#child = child;
    void tell(child.stdin, input);
    this.#reader = child.stderr.getReader();
    this.#words = this.#collect();
    this.#words.catch(() => {});
  }

  get status(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  /** True when it had to be killed. */
  async endsWithin(deadlineMs: number): Promise<boolean> {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      killUnlessEnded(this.#child);
    }, deadlineMs);
    await this.#child.status;
    clearTimeout(timer);
    return expired;
  }

  /** What it wrote to stderr, as far as it is there. */
  async words(): Promise<string> {
    let timer: number | undefined;
    const patience = new Promise<void>((resolve) => timer = setTimeout(resolve, WORDS_MS));
    await Promise.race([this.#words, patience]);
    clearTimeout(timer);
    return this.#said;
  }

  [Symbol.dispose](): void {
    void this.#reader.cancel().catch(() => {});
  }

  async #collect(): Promise<string> {
    const decoder = new TextDecoder();
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) return this.#said;
      if (this.#said.length < MAX_WORDS) this.#said += decoder.decode(value, { stream: true });
    }
  }
}

/** One that does not read, or has ended, is told nothing. */
async function tell(stdin: WritableStream<Uint8Array>, input: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(input));
  } catch {
    // How it ended is told by its status.
  }
  await writer.close().catch(() => {});
}

/** One that ends at this very moment cannot be killed; thrown in a timer, that would end phaul. */
function killUnlessEnded(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // Its status says how it ended.
  }
}

function start(program: string, context: HookContext, describe: string): RunningHook {
  try {
    const command = new Deno.Command(program, {
      env: environmentOf(context),
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    });
    return new RunningHook(command.spawn(), `${JSON.stringify(context.event)}\n`);
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
