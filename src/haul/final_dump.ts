/**
 * The final dump: CRIU's DUMP, with the answer to its post-dump held back until the role has decided.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import type { CriuSession } from "../criu/mod.ts";
import { listTree, type ProcessTree, type TreeProcess } from "../proc/mod.ts";
import type { Connection, PrepareRequest } from "../wire/mod.ts";
import { dumpOptions, nextImagesDir } from "./client.ts";
import type { PhaulConfig } from "./config.ts";
import type { IntentRecord } from "../journal/mod.ts";
import { DumpedConnections } from "./dumped_connections.ts";

/** Whom a final dump tells what happens to it. */
export interface DumpListener {
  /** CRIU is about to freeze the tree. */
  freezing(): void;
  /** The tree is frozen and dumped; CRIU waits for `accept` or `refuse`. */
  dumped(): void;
  /** CRIU has ended the dump, or has died. */
  ended(error?: PhaulError): void;
}

/** One DUMP. The session stays its giver's. */
export class FinalDump {
  /** Images other than pages, once dumped. */
  readonly imagesDir: string;
  readonly #session: CriuSession;
  readonly #config: PhaulConfig;
  readonly #lastImagesDir: string | undefined;
  readonly #lends: boolean;
  /** Only those that CRIU takes along are locked. */
  readonly #connections: DumpedConnections | undefined;
  readonly #answer = Promise.withResolvers<void>();
  #done: Promise<void> | undefined;
  #stopped: ReadonlySet<number> = new Set();
  #frozenAt = 0;
  #accepted = false;

  /** @param lends Memory that may come later stays in the tree, and does not go with the dump. */
  constructor(
    session: CriuSession,
    config: PhaulConfig,
    lastImagesDir: string | undefined,
    lends: boolean = false,
  ) {
    this.#session = session;
    this.#config = config;
    this.#lastImagesDir = lastImagesDir;
    this.#lends = lends;
    this.imagesDir = nextImagesDir(config.workDir, lastImagesDir);
    if (config.criu?.tcpEstablished) this.#connections = new DumpedConnections(config.pid);
    this.#answer.promise.catch(() => {});
  }

  /** Pids, in the innermost namespace, of the tasks that were stopped before the freeze. */
  get stopped(): ReadonlySet<number> {
    return this.#stopped;
  }

  /** When the freeze began, on the clock of `performance.now()`. */
  get frozenAt(): number {
    return this.#frozenAt;
  }

  /** True once `start` was called. */
  get started(): boolean {
    return this.#done !== undefined;
  }

  /** Resolves when CRIU has ended the dump, however. */
  async settled(): Promise<void> {
    await this.#done?.catch(() => {});
  }

  /** Asks for the dump. */
  start(listener: DumpListener): void {
    // After post-dump nobody can tell any more which tasks were stopped before the freeze.
    const tree = listTree(this.#config.pid);
    this.#stopped = new Set(tree.filter((p) => p.state === "stopped").map((p) => p.nsPid));
    this.#connections?.look();
    this.#done = this.#dump(listener);
    this.#done.then(() => listener.ended(), (error) => listener.ended(asPhaulError(error)));
  }

  async #dump(listener: DumpListener): Promise<void> {
    const options = dumpOptions(this.#config, this.imagesDir, this.#lastImagesDir);
    const trackMem = this.#lastImagesDir !== undefined;
    try {
      const lazyPages = this.#lends;
      await this.#session.dump({ ...options, trackMem, lazyPages }, async ({ name }) => {
        if (name === "pre-dump") {
          this.#frozenAt = performance.now();
          listener.freezing();
        }
        if (name !== "post-dump") return;
        this.#connections?.freeze();
        listener.dumped();
        // While this is unanswered nobody reads from CRIU, and a tree that it lost hold of runs.
        void this.#session.exited.then(() => listener.ended(criuDied()));
        await this.#answer.promise;
      });
    } catch (error) {
      // A tree that runs on has its connections again before anybody is told.
      if (!this.#accepted) {
        await this.unlock().catch((failure) => this.#config.observer?.warning?.(textOf(failure)));
      }
      throw error;
    }
  }

  /** The frozen tree, each task in the state in which it was before the freeze. */
  tasks(): TreeProcess[] {
    return listTree(this.#config.pid).map((p) => ({
      ...p,
      state: this.#stopped.has(p.nsPid) ? "stopped" : p.state === "zombie" ? "zombie" : "running",
    }));
  }

  /** The TCP connections that the dump holds. */
  get connections(): readonly Connection[] {
    return this.#connections?.frozen ?? [];
  }

  /** What a recovery has to know from the moment on in which a task is stopped. */
  intent(): IntentRecord {
    return { mark: "INTENT", tasks: this.tasks(), connections: this.connections };
  }

  /** The tree as it was dumped. */
  tree(): Pick<PrepareRequest, "processes" | "connections"> {
    const processes = this.tasks().map(({ nsPid, state }) => ({
      pid: nsPid,
      stopped: state === "stopped",
      zombie: state === "zombie",
    }));
    return { processes, connections: this.connections };
  }

  /**
   * Makes sure that CRIU still holds the tree. Stop signals that were queued before this were queued
   * while it did: only then has no task run since it was dumped. A tree that somebody has killed is not
   * to rise again on the destination.
   *
   * @throws PhaulError `criu-failed`, `no-such-process`
   */
  requireHeld(): void {
    try {
      listTree(this.#session.pid);
    } catch (cause) {
      throw criuDied(cause);
    }
    listTree(this.#config.pid);
  }

  /** Lets CRIU kill the tree; one that has lent its memory is killed in its place. */
  accept(tree: ProcessTree): void {
    this.#accepted = true;
    if (this.#lends) {
      // Answered with success, that CRIU would serve pages before it ends the tree.
      this.killTree(tree);
      this.kill();
    } else this.#connections?.silence(tree.living);
    this.#answer.resolve();
  }

  /** Kills what is left of an accepted tree in CRIU's place. */
  killTree(tree: ProcessTree): void {
    this.#connections?.silence(tree.living);
    tree.kill();
  }

  /**
   * Takes away what locks the tree's connections here; after an accepted dump not before they live
   * elsewhere and their address has moved.
   *
   * @throws PhaulError
   */
  async unlock(): Promise<void> {
    await this.#connections?.unlock();
  }

  /** Lets CRIU resume the tree. */
  refuse(reason: PhaulError | undefined): void {
    this.#answer.reject(reason);
  }

  /** Ends CRIU at once; the tree is resumed. */
  kill(): void {
    this.#session.kill();
  }
}

function textOf(failure: unknown): string {
  return asPhaulError(failure).message;
}

function criuDied(cause?: unknown): PhaulError {
  return new PhaulError("criu-failed", "Cannot go on: criu ended while it held the process tree", {
    remedy: "Look for what killed it, such as the kernel when memory ran out (dmesg)",
    cause,
  });
}
