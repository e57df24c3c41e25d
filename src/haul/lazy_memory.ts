/**
 * The memory of one tree that is filled in after its restore, if it is.
 *
 * @module
 */

import { LazyPages, type LazySource, lazyStateIn, type WaitFigures, warmUp } from "../pages/mod.ts";

export type { LazySource };

const LOOK_MS = 100;

/** Where a lazy restore of a migration has its images. */
export function lazyDir(workDir: string): string {
  return `${workDir}/lazy`;
}

/** Owns the fault server, until the tree has all its memory or is given up. */
export class LazyMemory {
  readonly #dir: string;
  #pages: LazyPages | undefined;
  #adopted = false;

  /** @param workDir The migration's. */
  constructor(workDir: string) {
    this.#dir = lazyDir(workDir);
  }

  /** A restore is to be a lazy one. */
  get started(): boolean {
    return this.#pages !== undefined;
  }

  /** How long processes waited for late pages; undefined before any was filled in. */
  get waited(): WaitFigures | undefined {
    return this.#pages?.figures?.waited;
  }

  /** Starts a fault server and waits for it; another one is started when it stands still for `stallMs`. */
  async start(stallMs: number): Promise<void> {
    warmUp();
    this.#pages ??= LazyPages.start(stallMs);
    await this.#pages.ready;
  }

  /**
   * Gets ready for the CRIU that restores.
   *
   * @returns the images dir to restore from
   */
  async listen(source: LazySource): Promise<string> {
    await this.#pages?.listen(source);
    return source.dir;
  }

  /** Takes over from a phaul that died: its fault server goes on by itself. */
  adopt(): ReturnType<typeof lazyStateIn> {
    const state = lazyStateIn(this.#dir);
    this.#adopted = state === "draining";
    return state;
  }

  /** Resolves when there is nothing left to be filled in; rejects when that will never be. */
  async drained(): Promise<void> {
    while (this.#adopted && lazyStateIn(this.#dir) === "draining") {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    await this.#pages?.drained;
  }

  /** Ends the fault server of a tree that is given up. */
  discard(): void {
    this.#pages?.[Symbol.dispose]();
    this.#pages = undefined;
  }

  /** Lets go of it: the fault server finishes by itself. */
  close(): void {
    this.#pages?.leave();
    this.#pages = undefined;
  }
}
