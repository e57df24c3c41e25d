/** The process tree of `memory.c` on this host. */

import { type Child, spawn } from "../../../src/sys/mod.ts";
import { programsFolder } from "../../../vm/payload.ts";
import { signalGroup, until } from "../criu/fixture.ts";

/** A tree of two processes with every kind of memory. */
export class MemoryTree implements Disposable {
  readonly pid: number;
  readonly #child: Child;

  private constructor(child: Child) {
    this.pid = child.pid;
    this.#child = child;
  }

  /** @param dir Its working directory, for its files. */
  static async start(dir: string): Promise<MemoryTree> {
    const command = `${await programsFolder()}/memory`;
    const child = spawn({ command, args: [dir], cwd: dir, newSession: true });
    const tree = new MemoryTree(child);
    await until(() => isThere(`${dir}/step`), "the tree does not get ready");
    return tree;
  }

  [Symbol.dispose](): void {
    signalGroup(this.pid, "SIGKILL");
    this.#child[Symbol.dispose]();
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
