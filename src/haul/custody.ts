/**
 * The tree in a destination's hands: restored and held, watched, restored again, continued or discarded.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { CriuError, forgetParentDeath } from "../criu/mod.ts";
import type { WaitFigures } from "../pages/mod.ts";
import { leftByCriu, orNoSpace } from "../proc/mod.ts";
import type { PrepareRequest } from "../wire/mod.ts";
import { AdoptedTree } from "./adopted_tree.ts";
import type { DestinationParts } from "./destination_parts.ts";
import { HeldConnections } from "./held_connections.ts";
import { HeldTree, type Hold, requireTasks } from "./held_tree.ts";
import { LazyMemory, type LazySource } from "./lazy_memory.ts";
import { findRecord, type StampedRecord } from "../journal/mod.ts";
import { syncFiles } from "./work_dir.ts";

/** The source waits as long for its answer as this side may take for a step: it is to be told why. */
const RESTORE_SHARE = 0.9;

/** What a custody works with. */
export type CustodyParts = Pick<
  DestinationParts,
  "admitted" | "criuPath" | "criuSocket" | "journal" | "migration" | "options"
>;

/** A lazy restore that cannot be is an eager one: what there is to be told of it. */
type Warn = (message: string) => void;

/** The tree as the source froze it. */
export type Dumped = Pick<PrepareRequest, "processes" | "connections">;

/** One tree from its restore on. Owns what it holds it by, never the tree: that is ended by `discard`. */
export class Custody implements Disposable {
  readonly #parts: CustodyParts;
  #hold: Hold | undefined;
  #next: HeldTree | undefined;
  #closed = false;
  #discarded = false;
  readonly #memory: LazyMemory;
  readonly #warn: Warn;
  #connections: HeldConnections | undefined;
  #imagesDir: string | undefined;
  #mayHaveRun = false;
  #dumped: Dumped = { processes: [], connections: [] };

  constructor(parts: CustodyParts, warn: Warn) {
    this.#parts = parts;
    this.#warn = warn;
    this.#memory = new LazyMemory(parts.admitted.workDir);
  }

  /** Root of the tree as this host sees it; undefined until restored. */
  get rootPid(): number | undefined {
    return this.#hold?.rootPid;
  }

  /**
   * Takes over what is left of the tree that a phaul restored before it died.
   *
   * @returns whether the tree is there whole, and may be continued
   */
  async adopt(records: readonly StampedRecord[], boot: string): Promise<boolean> {
    const prepared = findRecord(records, "PREPARED");
    this.#imagesDir = prepared?.imagesDir;
    if (prepared) this.#dumped = prepared;
    await this.#findConnections();
    this.#mayHaveRun = findRecord(records, "RUNNING") !== undefined;
    const restored = records.findLast(({ record }) => record.mark === "RESTORED");
    if (restored?.boot !== boot) return false;
    const tasks = findRecord(records, "RESTORED")?.tasks ?? [];
    // Let go, or killed, by the criu that restored it: which of both is known once that has ended.
    await leftByCriu(tasks);
    const adopted = new AdoptedTree(tasks);
    this.#hold = adopted;
    if (this.#memory.adopt() === "lost") {
      // What was not filled in reads as zeros: no tree to rely on, whether it ran or not.
      await adopted.discard();
      return false;
    }
    // CRIU kills such a tree when its phaul dies; one that it has not killed yet is no tree to rely on.
    if (this.#mayHaveRun) return adopted.alive;
    if (this.#isStopped) return adopted.whole;
    await adopted.discard();
    return false;
  }

  /**
   * Starts the criu that will restore; best before the source's tree is frozen.
   *
   * @param lazy The memory is to be filled in after the restore.
   */
  async prepare(lazy = false): Promise<void> {
    const { stallMs } = this.#parts.options.timeouts;
    const [next] = await Promise.all([
      this.#findConnections().then(() => this.#make()),
      ...lazy ? [this.#memory.start(stallMs)] : [],
    ]);
    if (this.#closed) {
      next.close();
      throw new PhaulError("cancelled", "Cannot get ready to restore: it was given up meanwhile");
    }
    this.#next = next;
  }

  /**
   * Restores from `imagesDir`, and holds.
   *
   * @param dumped The tree as the source froze it.
   * @param lazily Makes the images ready for a lazy restore; not called unless that was prepared for.
   * @throws CriuError `restore-failed`; PhaulError `stalled`; nothing of the tree is left then
   */
  async restore(imagesDir: string, dumped: Dumped, lazily?: () => LazySource): Promise<void> {
    this.#imagesDir = imagesDir;
    this.#dumped = dumped;
    await this.#connections?.hold(dumped.connections);
    const restore = async () => {
      this.#forgetParentDeath(imagesDir);
      await this.#restoreAsItCan(imagesDir, lazily);
    };
    await orNoSpace(`to "${imagesDir}"`, "--work-dir", restore);
  }

  /** Its parent stays behind, and the criu that restores would be the next. */
  #forgetParentDeath(imagesDir: string): void {
    const pid = forgetParentDeath(imagesDir);
    if (pid === undefined) return;
    this.#warn(
      `Process ${pid} wished to be killed when its parent ends (PR_SET_PDEATHSIG): that wish is ` +
        "dropped, since its parent does not come along",
    );
  }

  async #restoreAsItCan(imagesDir: string, lazily?: () => LazySource): Promise<void> {
    if (lazily === undefined || !this.#memory.started) return await this.#restoreFrom(imagesDir);
    let late = false;
    try {
      const source = lazily();
      // What comes late, nobody can restore with all memory at once.
      late = source.late !== undefined;
      await this.#restoreFrom(await this.#memory.listen(source));
    } catch (error) {
      // The tree stands frozen meanwhile: only what may well be otherwise with all memory is tried again.
      const hopeless = error instanceof CriuError
        ? error.died
        : asPhaulError(error).code === "stalled";
      if (late || hopeless || this.#closed || this.#discarded) throw error;
      await this.#restoreEagerly(error);
    }
  }

  /** What cannot be restored lazily may be restored all the same. */
  async #restoreEagerly(cause: unknown): Promise<void> {
    this.#memory.discard();
    this.#warn(`Restoring again, with all memory at once: ${asPhaulError(cause).message}`);
    await this.restoreAgain();
  }

  async #restoreFrom(imagesDir: string): Promise<void> {
    const next = this.#next;
    if (!next) throw new PhaulError("protocol", "Cannot restore: no final iteration has begun");
    // A discard that came meanwhile found no tree to end: none may come after it.
    if (this.#discarded || this.#closed) {
      throw new PhaulError("cancelled", "Cannot restore: it was given up meanwhile");
    }
    this.#next = undefined;
    this.#hold = next;
    this.#mayHaveRun = false;
    await next.restore(imagesDir, this.#memory.started);
    requireTasks(this.#dumped.processes, next.nsPids);
    // In the other mode CRIU has not ended repair mode yet.
    if (this.#isStopped && next.rootPid !== undefined) this.#connections?.silence(next.rootPid);
  }

  /**
   * Writes PREPARED.
   *
   * @param durable Images and pages are to survive a power cut too.
   */
  async journalPrepared(durable: boolean): Promise<void> {
    const { processes, connections } = this.#dumped;
    const imagesDir = this.#images;
    if (durable) await syncFiles(imagesDir);
    await this.#parts.journal.record({ mark: "PREPARED", processes, connections, imagesDir });
  }

  /** There is a tree that could be continued. */
  get alive(): boolean {
    return this.#hold?.alive ?? false;
  }

  /** How long processes waited for late pages. */
  get waited(): WaitFigures | undefined {
    return this.#memory.waited;
  }

  /** The tree was let go, or a phaul that died was about to. */
  get mayHaveRun(): boolean {
    return this.#mayHaveRun;
  }

  /** Calls `lost` when the tree dies before it is continued. */
  watch(lost: () => void): void {
    this.#memory.drained().catch(() => {
      if (!this.#mayHaveRun && !this.#closed) lost();
    });
    // Rejects when the tree is let go of.
    this.#hold?.died().then(() => {
      if (!this.#mayHaveRun) lost();
    }, () => {});
  }

  /**
   * Lets the tree run; tasks that were stopped before the migration stay stopped.
   *
   * @param leniently Takes a step whose failure is only told: the tree runs, whatever its connections do.
   */
  async continue(leniently: (step: () => Promise<void>) => Promise<void>): Promise<void> {
    if (!this.#hold) throw new PhaulError("internal", "Cannot continue a tree that is not held");
    // From here on it may end by itself, and must not be restored again for that.
    this.#mayHaveRun = true;
    const inRepairMode = this.#isStopped ? this.#hold.rootPid : undefined;
    await leniently(async () => await this.#connections?.release(inRepairMode));
    await this.#hold.continue(this.#dumped.processes);
  }

  /** Resolves when the tree has all its memory; rejects when it never will. */
  async drained(): Promise<void> {
    await this.#memory.drained();
  }

  /** Restores anew from the images after the tree died, and holds; with all memory at once. */
  async restoreAgain(): Promise<void> {
    this.#memory.discard();
    // Its root is gone; what may be left of it has the pids that the new one needs.
    await this.#hold?.discard();
    this.#hold?.close();
    this.#hold = undefined;
    // Where the lazy restore did not even begin, its criu still waits.
    if (!this.#next) await this.prepare();
    await this.restore(this.#images, this.#dumped);
  }

  /** Ends whatever there is of the tree. */
  async discard(): Promise<void> {
    this.#discarded = true;
    try {
      // The phaul that restored it may have died before it came to this.
      if (this.#isStopped && this.rootPid !== undefined) this.#connections?.silence(this.rootPid);
    } finally {
      // Told or not: a copy that is left behind needs only a signal to be a second one.
      await this.#hold?.discard();
      this.#memory.discard();
      await this.#connections?.lift();
    }
  }

  /** Lets go of the tree, which is left as it is. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#hold?.close();
    this.#hold = undefined;
    this.#next?.close();
    this.#next = undefined;
    this.#memory.close();
  }

  get #isStopped(): boolean {
    return this.#parts.admitted.holdMode === "stopped";
  }

  async #findConnections(): Promise<void> {
    const { admitted, migration } = this.#parts;
    if (admitted.restore.tcpEstablished) {
      this.#connections ??= await HeldConnections.find(migration);
    }
  }

  /** Where the images lie that the tree was restored from; undefined when none was. */
  get imagesDir(): string | undefined {
    return this.#imagesDir;
  }

  get #images(): string {
    if (this.#imagesDir === undefined) throw new PhaulError("internal", "Cannot find the images");
    return this.#imagesDir;
  }

  async #make(): Promise<HeldTree> {
    const { journal, criuPath, criuSocket, admitted, options } = this.#parts;
    const { holdMode, restore } = admitted;
    return await HeldTree.prepare({
      ...{ criuPath, criuSocket, holdMode, restore },
      restoreMs: options.timeouts.stepMs * RESTORE_SHARE,
      onRestored: (tasks) => journal.record({ mark: "RESTORED", tasks }),
    });
  }
}
