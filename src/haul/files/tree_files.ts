/**
 * A directory that moves along, whole.
 *
 * @module
 */

import { PhaulError } from "../../errors.ts";
import { contains, listTree, lookAt, writableMappings } from "../../proc/mod.ts";
import type { FileFigures, PhaulFiles } from "./phaul_files.ts";
import { SyncArea, type SyncParts } from "./sync_area.ts";

const OPTIONS = ["--delete", "--force"];

/** Keeps one directory of the destination like one of this host. */
export class TreeFiles implements PhaulFiles {
  readonly name: string;
  readonly #path: string;
  readonly #pid: number;
  readonly #area: SyncArea;
  /** Mapped when the last run began: they may have been let go of since. */
  #mapped: ReadonlySet<string> = new Set();

  /** @param area Its number on the destination. */
  constructor(tree: { path: string; target: string }, area: number, pid: number, parts: SyncParts) {
    const { path, target } = tree;
    this.name = path === target ? `tree:${path}` : `tree:${path}:${target}`;
    this.#path = path;
    this.#pid = pid;
    this.#area = new SyncArea({
      ...parts,
      ...{ area, from: `${path}/`, to: "tree/", options: OPTIONS },
    });
  }

  async begin(signal: AbortSignal): Promise<FileFigures> {
    return await this.sync(signal);
  }

  async sync(signal: AbortSignal): Promise<FileFigures> {
    this.#mapped = this.#mappedNow();
    return await this.#area.whileRunning(signal);
  }

  arm(signal: AbortSignal): Promise<void> {
    this.#area.arm(signal);
    return Promise.resolve();
  }

  async final(signal: AbortSignal): Promise<FileFigures> {
    using area = this.#area;
    return await area.whileFrozen(signal, await this.#suspects());
  }

  commit(): Promise<void> {
    this.#area[Symbol.dispose]();
    return Promise.resolve();
  }

  abort(): Promise<void> {
    return this.commit();
  }

  /**
   * Files whose times do not tell that they changed: those that changed about when the last run looked
   * at them, and those that are written through memory.
   */
  async #suspects(): Promise<string[]> {
    const mapped = [...this.#mapped, ...this.#mappedNow()]
      .filter((path) => contains(this.#path, path) && lookAt(path)?.isFile)
      .map((path) => path.slice(this.#path.length + 1));
    return [...new Set([...await this.#changedLately(), ...mapped])];
  }

  async #changedLately(): Promise<string[]> {
    const since = `@${(this.#area.suspectSinceMs / 1000).toFixed(3)}`;
    const { success, stdout, stderr } = await new Deno.Command("find", {
      args: [this.#path, "-type", "f", "-newerct", since, "-printf", "%P\\0"],
      ...{ stdin: "null", env: { LC_ALL: "C" } },
    }).output();
    // What another program removes meanwhile is no failure.
    if (!success && !/No such file/.test(new TextDecoder().decode(stderr))) {
      const words = new TextDecoder().decode(stderr).trim().split("\n")[0];
      throw new PhaulError("files-failed", `Cannot look through "${this.#path}": ${words}`);
    }
    return new TextDecoder().decode(stdout).split("\0").filter((path) => path !== "");
  }

  #mappedNow(): ReadonlySet<string> {
    return writableMappings(listTree(this.#pid));
  }
}
