/**
 * Real processes for the tests: started, waited for until they are as wanted, and ended with all that
 * they started.
 *
 * @module
 */

import { listTree, type TreeProcess } from "../../../src/proc/mod.ts";

const STEP_MS = 5;
/** Only a test that fails waits this long. */
const DEADLINE_MS = 20_000;

/** What runs the tests may have leaked descriptors to them; no victim shall inherit those. */
const START_CLEAN =
  'for f in /proc/$$/fd/*; do f=${f##*/}; ((f > 2)) && eval "exec $f>&-"; done; ' +
  'exec "$@"';

/** A process tree of this host whose root leads a session of its own. Take it with `await using`. */
export class TestTree implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #strays: number[] = [];

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
  }

  /** Starts `command` in a session of its own; its stdin is a pipe when `piped`. */
  static start(command: readonly string[], options: { piped?: boolean; cwd?: string } = {}) {
    // A child of Deno leads no process group, so setsid executes the command without a fork.
    const child = new Deno.Command("setsid", {
      args: ["bash", "-c", START_CLEAN, "clean", ...command],
      stdin: options.piped ? "piped" : "null",
      stdout: "null",
      stderr: "null",
      cwd: options.cwd,
    }).spawn();
    return new TestTree(child);
  }

  /** As {@linkcode start}, but in the session of the tests. */
  static startInOurSession(command: readonly string[]): TestTree {
    const [program = "", ...args] = command;
    return new TestTree(
      new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn(),
    );
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Waits until the tree is as `accept` wants it. */
  async until(accept: (processes: TreeProcess[]) => boolean): Promise<TreeProcess[]> {
    let processes: TreeProcess[] = [];
    await eventually(() => {
      processes = listTree(this.pid);
      return accept(processes);
    }, () => JSON.stringify(processes));
    this.#strays.push(...processes.map(({ pid }) => pid));
    return processes;
  }

  /** Writes a line to the stdin of the root. */
  async say(line: string): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${line}\n`));
    writer.releaseLock();
  }

  /** The end of the root, collected. */
  get ended(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pids = new Set([...this.#strays.filter((pid) => pid !== this.pid)]);
    try {
      for (const { pid } of listTree(this.pid)) pids.add(pid);
    } catch {
      // The root is gone.
    }
    for (const pid of pids) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // Gone already.
      }
    }
    try {
      await this.#child.stdin.close();
    } catch {
      // It has none.
    }
    await this.#child.status;
  }
}

/** Waits until `accept` holds. */
export async function eventually(accept: () => boolean, seen = () => ""): Promise<void> {
  for (let waited = 0; !accept(); waited += STEP_MS) {
    if (waited > DEADLINE_MS) throw new Error(`Never came to be: ${accept} ${seen()}`);
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}

/** How many zombies, stopped and running processes there are. */
export function states(processes: readonly TreeProcess[]): string[] {
  return processes.map(({ state }) => state);
}
