/**
 * An operator's program: run, and waited for.
 *
 * @module
 */

/** How much of what a program said is kept, and how long is waited for it once it has ended. */
const MAX_WORDS = 2000;
const SHOWN_WORDS = 500;
const WORDS_MS = 200;

/** What a program is started with, besides its arguments. */
export interface ProgramContext {
  /** Added to this process's variables. */
  readonly env: Readonly<Record<string, string>>;
  /** What it can read on its standard input. */
  readonly input: string;
  /** Ends it as the deadline would. */
  readonly signal?: AbortSignal;
}

/** How a program ended. */
export interface ProgramEnd {
  readonly success: boolean;
  /** It did not end by itself. */
  readonly killed: boolean;
  /** Without a subject: `exited with 3: no licence`, `took more than 100 ms`. */
  readonly how: string;
}

/**
 * Runs `program` in a session of its own and waits until it ends or `deadlineMs` is over, when all of
 * its process group is killed.
 *
 * @throws what Deno throws when it cannot be started
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  context: ProgramContext,
  deadlineMs: number,
): Promise<ProgramEnd> {
  const command = new Deno.Command(program, {
    args: [...args],
    env: { ...context.env },
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
    detached: true,
  });
  using child = new RunningProgram(command.spawn(), context.input);
  const killed = await child.expires(deadlineMs, context.signal);
  if (killed) {
    const why = context.signal?.aborted ? "was given up" : `took more than ${deadlineMs} ms`;
    return { success: false, killed, how: why };
  }
  const { success, signal, code } = await child.status;
  if (success) return { success, killed, how: "succeeded" };
  const said = (await child.words()).trim().slice(0, SHOWN_WORDS);
  const how = signal === null ? `exited with ${code}` : `died of ${signal}`;
  return { success, killed, how: said ? `${how}: ${said}` : how };
}

/** Its end is what counts: what it leaves in the background may hold its stderr open. */
class RunningProgram implements Disposable {
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
  async expires(deadlineMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    let expired = false;
    const end = () => {
      expired = true;
      killUnlessEnded(this.#child.pid);
    };
    const timer = setTimeout(end, deadlineMs);
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
    await this.#child.status;
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
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
function killUnlessEnded(pid: number): void {
  try {
    Deno.kill(-pid, "SIGKILL");
  } catch {
    // Its status says how it ended.
  }
}
