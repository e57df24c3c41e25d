/**
 * Runs dist/phaul as a user would: as a program of its own, from somewhere else, knowing nothing of
 * the project.
 *
 * @module
 */

const ROOT: string = new URL("../..", import.meta.url).pathname;
const BINARY = `${ROOT}dist/phaul`;
/** Where the test runner looks for the transitions that phaul made. */
const TRANSITIONS = `${ROOT}build/transitions`;

/** How the binary is run. */
export interface BinaryOptions {
  readonly cwd?: string;
  readonly uid?: number;
  /** Added to an environment that holds nothing but a PATH. */
  readonly env?: Readonly<Record<string, string>>;
  /** Another file than dist/phaul. */
  readonly program?: string;
}

/** How it ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A temporary folder that is removed when it goes out of scope. */
export interface TempDir extends AsyncDisposable {
  readonly path: string;
}

/** Makes a temporary folder; the caller owns it. */
export async function tempDir(): Promise<TempDir> {
  const path = await Deno.makeTempDir({ prefix: "phaul-cli-" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** The binary; a test that needs it fails with what to do when it was not built. */
export async function binary(): Promise<string> {
  try {
    await Deno.stat(BINARY);
  } catch (cause) {
    throw new Error('Cannot test dist/phaul: build it with "deno task build"', { cause });
  }
  return BINARY;
}

/** Starts the binary with an environment that holds nothing; the caller waits for its end. */
export async function startPhaul(
  args: readonly string[],
  options: BinaryOptions = {},
): Promise<Deno.ChildProcess> {
  return new Deno.Command(options.program ?? await binary(), {
    args: [...args],
    cwd: options.cwd ?? "/",
    uid: options.uid,
    clearEnv: true,
    // The selftest and the hooks need the usual commands; there is no Deno among them.
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs the binary to its end. */
export async function runPhaul(
  args: readonly string[],
  options: BinaryOptions = {},
): Promise<Ended> {
  const { code, stdout, stderr } = await (await startPhaul(args, options)).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** A `phaul` whose events are read while it runs. Disposing of it kills it and waits for its end. */
export class RunningPhaul implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #said: Promise<string>;
  readonly #transitions: Record<string, unknown>[] = [];

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#lines = linesOf(child.stdout);
    this.#said = new Response(child.stderr).text();
  }

  /** Starts it; the caller owns it. */
  static async start(args: readonly string[], options?: BinaryOptions): Promise<RunningPhaul> {
    return new RunningPhaul(await startPhaul([...args, "--json"], options));
  }

  /** Waits for the next event of that name; fails with what phaul said when it ends before. */
  async event(name: string): Promise<Record<string, unknown>> {
    for (;;) {
      const event = await this.#next();
      if (!event) throw new Error(`phaul ended before "${name}"; it said:\n${await this.#said}`);
      if (event["event"] === name) return event;
    }
  }

  async #next(): Promise<Record<string, unknown> | undefined> {
    const { value, done } = await this.#lines.next();
    if (done) return undefined;
    const event: Record<string, unknown> = JSON.parse(value);
    if (event["event"] === "transition") this.#transitions.push(event);
    return event;
  }

  /** Sends a signal. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits for its end. */
  async ended(): Promise<{ code: number; stderr: string }> {
    while (await this.#next() !== undefined);
    return { code: (await this.#child.status).code, stderr: await this.#said };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.ended();
    await saveTransitions(this.#transitions);
  }
}

async function saveTransitions(events: readonly Record<string, unknown>[]): Promise<void> {
  await Deno.mkdir(TRANSITIONS, { recursive: true });
  const lines = events.map(({ side, from, on, to }) =>
    `${JSON.stringify({ side, from, event: on, to })}\n`
  );
  await Deno.writeTextFile(`${TRANSITIONS}/cli.jsonl`, lines.join(""), { append: true });
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

/**
 * A process to be named in a command line: the first of a pid namespace of its own, since on one host
 * nothing else could go anywhere. Disposing of it kills it.
 */
export async function sleeper(): Promise<AsyncDisposable & { readonly pid: number }> {
  const unshare = new Deno.Command("unshare", {
    args: ["--pid", "--fork", "--kill-child", "setsid", "sleep", "1000"],
    cwd: "/",
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    pid: await childOf(unshare.pid),
    async [Symbol.asyncDispose]() {
      unshare.kill("SIGKILL");
      await unshare.status;
    },
  };
}

async function childOf(pid: number): Promise<number> {
  const path = `/proc/${pid}/task/${pid}/children`;
  return await eventually(`a child of process ${pid}`, async () => {
    const child = Number((await Deno.readTextFile(path)).trim());
    if (child === 0) return undefined;
    return await Deno.readTextFile(`/proc/${child}/comm`) === "sleep\n" ? child : undefined;
  });
}

/** Only against a test that would hang; nothing is measured by it. */
const HANG_MS = 60_000;

/** Asks again and again until there is an answer. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const deadlineMs = performance.now() + HANG_MS;
  while (performance.now() < deadlineMs) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`There was no ${what}`);
}
