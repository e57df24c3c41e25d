/**
 * A restored tree that does not run yet.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { CriuSession } from "../criu/mod.ts";
import { ProcessTree, type TreeProcess } from "../proc/mod.ts";
import type { HoldMode, ProcessSummary, RestoreOptions } from "../wire/mod.ts";
import { type RestorerOptions, startRestorer } from "./restorer.ts";

/** A tree that a destination holds, until it is continued or discarded. */
export interface Hold {
  /** Root of the tree as this host sees it; undefined until restored. */
  readonly rootPid: number | undefined;
  /** There is something left of it that can be continued. */
  readonly alive: boolean;
  /** Resolves when the tree, or a part of it, died while it was held; rejects when it is let go of. */
  died(): Promise<void>;
  /** Lets the tree run; tasks that were stopped before the migration stay stopped. */
  continue(processes: readonly ProcessSummary[]): Promise<void>;
  /** Ends whatever there is of the tree, and waits for its end. */
  discard(): Promise<void>;
  /** Lets go of the tree, which is left as it is. */
  close(): void;
}

/** How a tree is to be restored and held. */
export interface HoldOptions extends RestorerOptions {
  readonly holdMode: HoldMode;
  readonly restore: RestoreOptions;
  /**
   * Told about the tree as soon as it is there, before CRIU lets go of it, and once more when CRIU has
   * finished: should phaul die from then on, whoever comes after it has to find the tree. When it throws
   * the first time, nothing of the tree is left.
   */
  readonly onRestored: (tasks: readonly TreeProcess[]) => Promise<void>;
  /** How long CRIU may take for a restore, which has no bound of its own, in milliseconds. */
  readonly restoreMs: number;
}

/**
 * Restores a tree and holds it until it is continued or discarded.
 *
 * A tree with a session leader of its own is left stopped by CRIU, and outlives phaul. Any other
 * (--shell-job) is held inside the post-restore notify: once swrk is gone, the kernel would send SIGHUP
 * and SIGCONT to its orphaned process group, and it would die, or run before the commit.
 */
export class HeldTree implements Hold, Disposable {
  readonly #session: CriuSession;
  readonly #options: HoldOptions;
  readonly #release = Promise.withResolvers<void>();
  #released = false;
  #criuEnded = false;
  #tree: ProcessTree | undefined;
  #restoring: Promise<unknown> | undefined;

  private constructor(session: CriuSession, options: HoldOptions) {
    this.#session = session;
    this.#options = options;
    this.#release.promise.catch(() => {});
    void session.exited.then(() => this.#criuEnded = true);
  }

  /** Starts the criu that will restore: a cold one probes the kernel for 40 to 75 ms, best before the freeze. */
  static async prepare(options: HoldOptions): Promise<HeldTree> {
    const session = await startRestorer(options);
    try {
      await within(options.restoreMs, session.version());
    } catch (error) {
      session.close();
      throw error;
    }
    return new HeldTree(session, options);
  }

  /** Root of the restored tree as this host sees it; undefined until restored. */
  get rootPid(): number | undefined {
    return this.#tree?.rootPid;
  }

  /** Pids of its tasks in the innermost namespace; none until restored. */
  get nsPids(): readonly number[] {
    return this.#tree?.processes.map(({ nsPid }) => nsPid) ?? [];
  }

  get alive(): boolean {
    const whole = this.#options.holdMode === "stopped" ? this.#tree?.whole : this.#tree?.rootLives;
    return whole ?? false;
  }

  /**
   * Restores from `imagesDir` and returns once the whole tree is there, held.
   *
   * @param lazyPages Somebody listens there who fills the memory in.
   * @throws CriuError `restore-failed`; PhaulError `stalled` when CRIU takes too long; nothing of the
   * tree is left then
   */
  async restore(imagesDir: string, lazyPages: boolean): Promise<void> {
    const held = Promise.withResolvers<void>();
    const leaveStopped = this.#options.holdMode === "stopped";
    const options = {
      imagesDir,
      logFile: "restore.log",
      ...this.#options.restore,
      ...(leaveStopped ? { leaveStopped } : {}),
      ...(lazyPages ? { lazyPages } : {}),
    };
    const restoring = this.#session.restore(options, async ({ name, pid }) => {
      if (name !== "post-restore" || pid === undefined) return;
      this.#tree = ProcessTree.open(pid);
      await this.#options.onRestored(this.#tree.processes);
      if (leaveStopped) return;
      held.resolve();
      await this.#release.promise;
    });
    this.#restoring = restoring;
    // Held by its notify, CRIU's answer comes only once the tree was let go.
    restoring.then(() => held.resolve(), (error) => held.reject(error));
    try {
      await within(this.#options.restoreMs, held.promise);
    } catch (error) {
      await this.discard();
      throw error;
    }
    if (leaveStopped) await this.#listAgain();
  }

  /** Tasks that only helped CRIU are gone by now. */
  async #listAgain(): Promise<void> {
    const first = this.#tree;
    if (!first) throw new PhaulError("criu-failed", "Cannot hold a tree that criu did not tell of");
    this.#tree = ProcessTree.open(first.rootPid);
    first.close();
    await this.#options.onRestored(this.#tree.processes);
  }

  /** Resolves when a task died while it was held. */
  async died(): Promise<void> {
    if (this.#options.holdMode === "stopped") return await this.#tree?.anyExited();
    // Among these, tasks that only help CRIU end by themselves.
    const gone = this.#tree?.rootExited();
    if (this.#options.holdMode === "notify") {
      await Promise.race([gone, this.#session.exited]);
      // Without its criu a half restored tree would wait for ever; one that was let go may not be touched.
      if (!this.#released) this.#tree?.kill();
    }
    await gone;
  }

  /** Lets the tree run; tasks that were stopped before the migration stay stopped. */
  async continue(processes: readonly ProcessSummary[]): Promise<void> {
    if (this.#options.holdMode === "stopped") {
      this.#tree?.continue(stoppedAmong(processes));
      return;
    }
    this.#released = true;
    this.#release.resolve();
    await this.#restoring;
  }

  /** Ends whatever there is of the tree, restored or half restored. */
  async discard(): Promise<void> {
    this.#release.reject(new Error("the migration was given up"));
    if (!this.#tree) await this.#killHalfRestored();
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
  async #killHalfRestored(): Promise<void> {
    // Its pid may be somebody else's by now.
    if (this.#criuEnded) return;
    try {
      using whole = ProcessTree.open(this.#session.pid);
      // What criu forked between the look and the kill would be nobody's, and stay.
      await whole.stop().catch(() => {});
      whole.kill();
      await whole.exited();
    } catch {
      // swrk is gone already, and its children with it or restored.
    }
  }
}

/** @throws PhaulError `stalled` when criu's `work` takes longer than `ms`; it goes on until criu is ended */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(tookTooLong(ms)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function tookTooLong(ms: number): PhaulError {
  return new PhaulError("stalled", `Cannot restore: criu took longer than ${ms / 1000} s`, {
    remedy: "Look at the load of the destination, or raise --step-timeout on both hosts",
  });
}

/** Pids, in the innermost namespace, of the tasks that were stopped before the freeze. */
export function stoppedAmong(processes: readonly ProcessSummary[]): ReadonlySet<number> {
  return new Set(processes.filter((p) => p.stopped).map((p) => p.pid));
}

/** A list that names others was not made of this tree: who was stopped, and has to stay so, is unknown. */
export function requireTasks(
  processes: readonly ProcessSummary[],
  restored: readonly number[],
): void {
  const unknown = processes.find(({ pid }) => !restored.includes(pid));
  if (!unknown) return;
  throw new PhaulError(
    "protocol",
    `Cannot hold the tree: the source named process ${unknown.pid}, which its images do not have`,
  );
}
