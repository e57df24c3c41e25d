/**
 * A tree that another phaul restored, before it died.
 *
 * @module
 */

import { ProcessTree, type TreeProcess } from "../proc/mod.ts";
import type { ProcessSummary } from "../wire/mod.ts";
import { type Hold, stoppedAmong } from "./held_tree.ts";

/** What is left of a restored tree, held by pidfds. No criu has a hand in it any more. */
export class AdoptedTree implements Hold {
  readonly #tree: ProcessTree;
  /** Every task lives that lived when the tree was restored. */
  readonly whole: boolean;

  /** Takes those of `tasks` that still live; all of the same boot of this host. */
  constructor(tasks: readonly TreeProcess[]) {
    this.#tree = ProcessTree.adopt(tasks);
    const living = new Set(this.#tree.living.map(({ pid }) => pid));
    const expected = tasks.filter(({ state }) => state !== "zombie");
    this.whole = expected.length > 0 && expected.every(({ pid }) => living.has(pid));
  }

  get rootPid(): number | undefined {
    return this.#tree.rootPid;
  }

  get alive(): boolean {
    return this.#tree.living.length > 0;
  }

  async died(): Promise<void> {
    await this.#tree.anyExited();
  }

  continue(processes: readonly ProcessSummary[]): Promise<void> {
    this.#tree.continue(stoppedAmong(processes));
    return Promise.resolve();
  }

  async discard(): Promise<void> {
    this.#tree.kill();
    await this.#tree.exited();
  }

  close(): void {
    this.#tree.close();
  }
}
