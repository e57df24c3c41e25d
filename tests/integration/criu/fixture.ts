/**
 * What the tests with a real CRIU share: the criu itself, victims that count, folders, and a relay.
 */

import { type Child, loadLibc, spawn } from "../../../src/sys/mod.ts";
import { type PageChannel, PageStreamParser } from "../../../src/criu/mod.ts";
import { hostCriu } from "../../../tools/host_criu.ts";

// Loaded at first use and never unloaded, which a test would be blamed for.
loadLibc();

/** The criu under test: the one that PHAUL_TEST_CRIU names, else one that works on this host. */
export const criuPath: string = Deno.env.get("PHAUL_TEST_CRIU") ?? await hostCriu();

/** A folder that is gone after the test. CRIU wants its victims' files to be reachable by path. */
export class TestDir implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "phaul-criu-test-" });

  /** A new folder in it. */
  sub(name: string): string {
    const path = `${this.path}/${name}`;
    Deno.mkdirSync(path, { mode: 0o700 });
    return path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** A shell that leads a session and writes a growing number to a file, with sleeps as children. */
export class Counter implements Disposable {
  readonly pid: number;
  readonly file: string;
  readonly #child: Child;

  /** @param setUp Run by the shell (bash) before it counts. */
  constructor(dir: string, setUp = "") {
    this.file = `${dir}/count`;
    const script = `${setUp}
      i=0; while :; do i=$((i + 1)); echo $i > count.new; mv count.new count; sleep 0.02; done`;
    this.#child = spawn({ command: "bash", args: ["-c", script], cwd: dir, newSession: true });
    this.pid = this.#child.pid;
  }

  /** How far it has counted. */
  get value(): number {
    try {
      return Number(Deno.readTextFileSync(this.file));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return 0;
      throw error;
    }
  }

  /** Resolves once it has counted beyond where it is now. */
  async counts(): Promise<void> {
    const now = this.value;
    await until(() => this.value > now, `process ${this.pid} does not count`);
  }

  /** Resolves once the dead original's pids are free: init takes its time to reap the orphaned sleep. */
  async reaped(): Promise<void> {
    await this.#child.wait();
    await until(() => !signalGroup(this.pid, "SIGCONT"), "the pids do not get free");
  }

  /** Ends it, the original or its restored copy. */
  [Symbol.dispose](): void {
    signalGroup(this.pid, "SIGKILL");
    this.#child[Symbol.dispose]();
  }
}

/** State of a process as procfs shows it, such as "T"; undefined when there is none. */
export function stateOf(pid: number): string | undefined {
  try {
    return /^State:\s+(\S)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Sends a signal to a whole process group; false when there is none. */
export function signalGroup(pgid: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(-pgid, signal);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Waits for a condition; that it comes true at all is the assertion. */
export async function until(condition: () => boolean, otherwise: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(otherwise);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Carries pages between two channels, both ways, and parses those that go forth; `look` sees them too. */
export async function relay(
  from: PageChannel,
  to: PageChannel,
  look: (chunk: Uint8Array) => void = () => {},
): Promise<PageStreamParser> {
  const parser = new PageStreamParser();
  const forth = carry(from.conn, to.conn, (chunk) => {
    parser.feed(chunk);
    look(chunk);
  });
  const back = carry(to.conn, from.conn, () => {});
  await Promise.all([forth, back]);
  return parser;
}

async function carry(
  from: Deno.Conn,
  to: Deno.Conn,
  look: (chunk: Uint8Array) => void,
): Promise<void> {
  const buffer = new Uint8Array(256 * 1024);
  try {
    for (;;) {
      const count = await from.read(buffer);
      if (count === null) return;
      look(buffer.subarray(0, count));
      for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
    }
  } catch (error) {
    // The other direction found the channel shut down first.
    if (!(error instanceof Deno.errors.BadResource) && !(error instanceof Deno.errors.BrokenPipe)) {
      throw error;
    }
  }
}

/** Copies what a dump left, but for its logs and configuration, to the other host's folder. */
export function copyImages(from: string, to: string, which: RegExp = /^/): void {
  for (const { name, isFile } of Deno.readDirSync(from)) {
    if (isFile && name.endsWith(".img") && which.test(name)) {
      Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
    }
  }
}
