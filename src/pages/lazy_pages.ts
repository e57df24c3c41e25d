/**
 * A lazy restore from this host's own memory, seen from the destination: it gets the userfaultfds from
 * CRIU, keeps a duplicate of each, and sees to it that there is a fault server as long as one is needed.
 *
 * While a duplicate is open, a fault waits for whoever answers it. So the death of a server costs time and
 * nothing else: the next one is given the duplicates, and the log of what the processes did meanwhile.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { type Fd, lockFile, openFile } from "../sys/mod.ts";
import {
  DRAINED,
  type DrainFigures,
  type ServerOrder,
  type ServerReport,
  type StoredFile,
  type TaskOrder,
} from "./fault_messages.ts";
import { FaultProcess } from "./fault_process.ts";
import type { LazyTask } from "./flat_images.ts";
import type { LateRun } from "./late_store.ts";
import { listenForTasks } from "./lazy_socket.ts";

/** So many servers may die over one restore. */
const MAX_SERVERS = 20;
const STATE_FILE = "lazy-state";

/** Where everything lies that a lazy restore is served from. */
export interface LazySource {
  /** The images, and CRIU's work dir. */
  readonly dir: string;
  readonly pageBytes: number;
  readonly tasks: readonly LazyTask[];
  readonly files: readonly StoredFile[];
  /** Where late pages come from, if any do. */
  readonly late?: LateSupply;
}

/** Whoever has late pages brought. */
export interface LateSupply {
  /** Somebody waits for these. */
  wanted(late: LateRun): void;
  /** Has `listener` called each time when some have come. */
  onArrival(listener: () => void): void;
}

/** The memory of one restored tree, until all of it is there. */
export class LazyPages implements Disposable {
  readonly #drained = Promise.withResolvers<DrainFigures>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #cancelled = new AbortController();
  readonly #held: { readonly order: Omit<TaskOrder, "again">; readonly uffd: Fd }[] = [];
  #server: FaultProcess;
  #source: LazySource | undefined;
  #restored = false;
  #servers = 1;
  #heardAt = 0;
  #figures: DrainFigures | undefined;
  readonly #patience: number;

  private constructor(stallMs: number) {
    this.#server = new FaultProcess();
    this.#drained.promise.catch(() => {});
    void this.#watch(this.#server);
    this.#patience = setInterval(() => this.#requireLife(stallMs), stallMs / 4);
  }

  /**
   * Starts a fault server; best before the tree is frozen.
   *
   * @param stallMs One that has said nothing for so long is replaced.
   * @throws SyscallError
   */
  static start(stallMs: number): LazyPages {
    return new LazyPages(stallMs);
  }

  /**
   * Resolves when a restore may come without waiting for the fault server's own start.
   */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** How far it is; undefined before anything was filled in. */
  get figures(): DrainFigures | undefined {
    return this.#figures;
  }

  /** Resolves when all memory is there; rejects when it never will be. */
  get drained(): Promise<DrainFigures> {
    return this.#drained.promise;
  }

  /**
   * Gets ready for CRIU, which may be asked to restore from `source.dir` then.
   *
   * @throws SyscallError
   */
  async listen(source: LazySource): Promise<void> {
    this.#source = source;
    this.#heardAt = performance.now();
    await this.#tell(storeOrder(source));
    source.late?.onArrival(() => void this.#tell({ type: "arrived" }));
    listenForTasks(source.dir, {
      task: (pid, uffd) => this.#addTask(pid, uffd, source),
      restored: async () => {
        this.#restored = true;
        await this.#tell({ type: "restored" });
      },
    }, this.#cancelled.signal).catch((error) => this.#drained.reject(asPhaulError(error)));
  }

  /** Ends the server and lets go of everything; a tree that is not all there reads zeros from now on. */
  [Symbol.dispose](): void {
    this.#cancelled.abort(
      new PhaulError("cancelled", "Cannot fill the memory in: it was given up"),
    );
    this.#drained.reject(this.#cancelled.signal.reason);
    this.#ready.resolve();
    this.#server[Symbol.dispose]();
    this.#letGo();
  }

  /** Lets go of everything; the server finishes what it has begun. */
  leave(): void {
    this.#cancelled.abort(new PhaulError("cancelled", "Cannot wait for the memory any longer"));
    this.#drained.reject(this.#cancelled.signal.reason);
    this.#server.leave();
    this.#letGo();
  }

  async #addTask(pid: number, uffd: Fd, { tasks, dir }: LazySource): Promise<void> {
    const task = tasks.find((one) => one.pid === pid);
    const id = this.#held.length + 1;
    const order = {
      type: "task",
      id,
      // A task without memory of its own is filled with zeros.
      indexPath: task?.indexPath ?? "/dev/null",
      logPath: `${dir}/lazy-events-${id}`,
    } as const;
    this.#held.push({ order, uffd });
    await this.#tell({ ...order, again: false }, [uffd]);
  }

  /** What a server that has died was told, its successor is told as well. */
  async #tell(order: ServerOrder, fds: readonly Fd[] = []): Promise<void> {
    await this.#server.tell(order, fds).catch(() => {});
  }

  async #watch(server: FaultProcess): Promise<void> {
    try {
      for (let report = await server.next(); report; report = await server.next()) {
        this.#take(report.message, report.fds);
        if (report.message.type === "drained") return this.#finish(report.message);
      }
      if (this.#cancelled.signal.aborted) return;
      await this.#replace();
    } catch (error) {
      this.#ready.resolve();
      if (!this.#cancelled.signal.aborted) this.#drained.reject(asPhaulError(error));
    }
  }

  #take(message: ServerReport, fds: Fd[]): void {
    this.#heardAt = performance.now();
    switch (message.type) {
      case "ready":
        return this.#ready.resolve();
      case "forked":
        for (const uffd of fds) this.#held.push({ order: message.task, uffd });
        return;
      case "wanted":
        return this.#source?.late?.wanted(message);
      default:
        this.#figures = message;
    }
  }

  /** A new server in place of one that died. */
  async #replace(): Promise<void> {
    if (this.#servers === MAX_SERVERS) {
      throw new PhaulError(
        "internal",
        "Cannot fill the memory in: the fault server dies again and again",
      );
    }
    this.#servers++;
    const server = new FaultProcess();
    this.#server = server;
    this.#heardAt = performance.now();
    void this.#watch(server);
    if (this.#source) await this.#tell(storeOrder(this.#source));
    for (const { order, uffd } of [...this.#held]) {
      await this.#tell({ ...order, again: true }, [uffd]);
    }
    if (this.#restored) await this.#tell({ type: "restored" });
  }

  /** One that stands still is as good as dead, and worse: processes wait for it. */
  #requireLife(stallMs: number): void {
    if (this.#source && performance.now() - this.#heardAt > stallMs) this.#server.kill();
  }

  #finish({ pages, faults, waited }: DrainFigures): void {
    this.#letGo();
    this.#drained.resolve({ pages, faults, waited });
  }

  #letGo(): void {
    clearInterval(this.#patience);
    for (const { uffd } of this.#held.splice(0)) uffd.close();
  }
}

function storeOrder({ dir, pageBytes, files }: LazySource): ServerOrder {
  return { type: "store", pageBytes, files, statePath: `${dir}/${STATE_FILE}` };
}

/**
 * What is known of a lazy restore that another phaul began.
 * - `none`: there was none
 * - `draining`: its fault server lives
 * - `drained`: all memory is there
 * - `lost`: its fault server is gone too early; the tree would read zeros
 */
export function lazyStateIn(dir: string): "none" | "draining" | "drained" | "lost" {
  const path = `${dir}/${STATE_FILE}`;
  try {
    using file = openFile(path, "read");
    // Taken first: in between, the server may finish.
    const alive = !lockFile(file);
    if (Deno.readTextFileSync(path) === DRAINED) return "drained";
    return alive ? "draining" : "lost";
  } catch {
    return "none";
  }
}
