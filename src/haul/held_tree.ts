/**
 * A restored tree that does not run yet.
 *
 * @module
 */

import { CriuSession } from "../criu/mod.ts";
import { ProcessTree } from "../proc/mod.ts";
import type { BeginRequest, HoldMode, ProcessSummary, RestoreOptions } from "../wire/mod.ts";

/**
 * Restores a tree and holds it until it is continued or discarded.
 *
 * A tree with a session leader of its own is left stopped by CRIU, and outlives phaul. Any other
 * (--shell-job) is held inside the post-restore notify: once swrk is gone, the kernel would send SIGHUP
 * and SIGCONT to its orphaned process group, and it would die, or run before the commit.
 */
export class HeldTree implements Disposable {
  readonly #session: CriuSession;
  readonly #mode: HoldMode;
  readonly #options: RestoreOptions;
  readonly #release = Promise.withResolvers<void>();
  #released = false;
  #tree: ProcessTree | undefined;
  #restoring: Promise<unknown> | undefined;

  private constructor(session: CriuSession, mode: HoldMode, options: RestoreOptions) {
    this.#session = session;
    this.#mode = mode;
    this.#options = options;
    this.#release.promise.catch(() => {});
  }

  /** Starts the criu that will restore: a cold one probes the kernel for 40 to 75 ms, best before the freeze. */
  static async prepare(
    criuPath: string,
    { holdMode, restore }: Pick<BeginRequest, "holdMode" | "restore">,
  ): Promise<HeldTree> {
    const session = CriuSession.start(criuPath, { moveToRootCgroup: true });
    await session.version();
    return new HeldTree(session, holdMode, restore);
  }

  /** Root of the restored tree as this host sees it; undefined until restored. */
  get rootPid(): number | undefined {
    return this.#tree?.rootPid;
  }

  /**
   * Restores from `imagesDir` and returns once the whole tree is there, held.
   *
   * @throws CriuError `restore-failed`; nothing of the tree is left then
   */
  async restore(imagesDir: string): Promise<void> {
    const options = { imagesDir, logFile: "restore.log", ...this.#options };
    if (this.#mode === "stopped") {
      const { pid } = await this.#session.restore({ ...options, leaveStopped: true });
      this.#tree = ProcessTree.open(pid);
      return;
    }
    const restored = Promise.withResolvers<void>();
    const restoring = this.#session.restore(options, async ({ name, pid }) => {
      if (name !== "post-restore" || pid === undefined) return;
      this.#tree = ProcessTree.open(pid);
      restored.resolve();
      await this.#release.promise;
    });
    restoring.catch((error) => restored.reject(error));
    this.#restoring = restoring;
    await restored.promise;
  }

  /** Resolves when the root died while it was held. */
  async died(): Promise<void> {
    const gone = this.#tree?.rootExited();
    if (this.#mode === "notify") {
      await Promise.race([gone, this.#session.exited]);
      // Without its criu a half restored tree would wait for ever; one that was let go may not be touched.
      if (!this.#released) this.#tree?.kill();
    }
    await gone;
  }

  /** Lets the tree run; tasks that were stopped before the migration stay stopped. */
  async continue(processes: readonly ProcessSummary[]): Promise<void> {
    if (this.#mode === "stopped") {
      this.#tree?.continue(new Set(processes.filter((p) => p.stopped).map((p) => p.pid)));
      return;
    }
    this.#released = true;
    this.#release.resolve();
    await this.#restoring;
  }

  /** Ends whatever there is of the tree, restored or half restored. */
  async discard(): Promise<void> {
    this.#release.reject(new Error("the migration was given up"));
    if (!this.#tree) this.#killHalfRestored();
    this.#tree?.kill();
    this.#session.kill();
    await this.#tree?.exited();
    await this.#restoring?.catch(() => {});
  }

  /** Lets go of the session and the pidfds; the tree is left as it is. */
  close(): void {
    this.#tree?.close();
    this.#session.close();
  }

  /** The same as close. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Tasks of an unfinished restore are children of swrk, and would outlive it. */
  #killHalfRestored(): void {
    try {
      using whole = ProcessTree.open(this.#session.pid);
      whole.kill();
    } catch {
      // swrk is gone already, and its children with it or restored.
    }
  }
}
