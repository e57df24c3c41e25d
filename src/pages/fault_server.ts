/**
 * The fault server: a process of its own that fills restored memory in, by demand and in the background.
 * It needs nobody: once it was told of the tasks it goes on to the end, whatever becomes of phaul.
 *
 * It does one thing at a time, and waits in the kernel where there is nothing to do: no other thread has to
 * be woken between a fault and its answer.
 *
 * @module
 */

import {
  Fd,
  lockFile,
  Mapping,
  openFile,
  readableAmong,
  takeMessage,
  trySendMessage,
  writeAll,
} from "../sys/mod.ts";
import { Areas } from "./areas.ts";
import { EventLog } from "./event_log.ts";
import {
  decodeMessage,
  DRAINED,
  encodeMessage,
  FAULT_SERVER_COMMAND,
  type ServerOrder,
  type ServerReport,
  type TaskOrder,
} from "./fault_messages.ts";
import { areasAfter } from "./area_events.ts";
import { FillTask } from "./fill_task.ts";
import { LateMaps } from "./late_map.ts";
import type { LateRun } from "./late_store.ts";
import { readLazyIndex } from "./lazy_index.ts";
import type { Pieces } from "./pieces.ts";
import { Waits } from "./waits.ts";

const PROGRESS_MS = 100;
/** One that says nothing for long is taken for one that stands still. */
const HEARTBEAT_MS = 250;
/** How often is looked for late pages when nobody says that they came. */
const LOOK_MS = 20;

/** Serves until everything is filled in, or there is nobody left to serve. `control` becomes its own. */
export function serveFaults(control: number): void {
  // Ctrl-C and the end of a service are for phaul: the memory of running processes hangs on this one.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => {});
  }
  using server = new FaultServer(Fd.own(control));
  server.run();
}

class FaultServer implements Disposable {
  readonly #owned = new DisposableStack();
  readonly #pagesFiles = new Map<number, Mapping>();
  readonly #late = new Map<number, Mapping>();
  readonly #store = {
    pages: this.#pagesFiles,
    late: new LateMaps(this.#late),
    wanted: (late: LateRun) => this.#tell({ type: "wanted", ...late }),
  };
  readonly #waits = new Waits();
  readonly #indexes = new Map<string, Pieces>();
  readonly #orders = new Map<number, TaskOrder>();
  readonly #logs = new Map<number, EventLog>();
  #tasks: FillTask[] = [];
  #control: Fd | undefined;
  #state: Fd | undefined;
  #pageBytes = 0;
  #restored = false;
  #lastId = 0;
  #toldAt = 0;
  #pages = 0;
  #faults = 0;

  constructor(control: Fd) {
    this.#control = this.#owned.use(control);
  }

  run(): void {
    this.#tell({ type: "ready" });
    while (!this.#over) {
      const fds = [...this.#control ? [this.#control] : [], ...this.#tasks.map(({ uffd }) => uffd)];
      for (const index of readableAmong(fds, this.#patienceMs)) {
        if (fds[index] === this.#control) this.#takeOrders();
        else this.#takeEvents(fds[index]);
      }
      if (!this.#control) this.#lookForLate();
      if (this.#restored) this.#fillNext();
      this.#forgetGone();
      this.#tellProgress();
    }
    this.#finish();
  }

  [Symbol.dispose](): void {
    this.#owned[Symbol.dispose]();
  }

  get #over(): boolean {
    return this.#restored && this.#tasks.every((task) => task.done);
  }

  /** How long may be waited for something to happen. */
  get #patienceMs(): number {
    if (this.#restored && this.#tasks.some((task) => !task.idle)) return 0;
    return this.#control || this.#late.size === 0 ? HEARTBEAT_MS : LOOK_MS;
  }

  #lookForLate(): void {
    if (this.#late.size > 0) this.#tasks.forEach((task) => task.look());
  }

  #takeOrders(): void {
    while (this.#control) {
      const message = takeMessage(this.#control);
      if (message === undefined) return;
      if (message === null) this.#lonely();
      else this.#obey(decodeMessage<ServerOrder>(message.data), message.fds);
    }
  }

  /** Without phaul, nobody will say whether CRIU has restored the tree or has ended it; trying tells. */
  #lonely(): void {
    this.#control = undefined;
    this.#restored = true;
  }

  #obey(order: ServerOrder, fds: Fd[]): void {
    switch (order.type) {
      case "store":
        this.#pageBytes = order.pageBytes;
        for (const { id, path, latePath } of order.files) {
          this.#map(this.#pagesFiles, id, path);
          if (latePath !== undefined) this.#map(this.#late, id, latePath);
        }
        this.#state = this.#owned.use(openFile(order.statePath, "update"));
        lockFile(this.#state);
        return;
      case "task":
        for (const uffd of fds) this.#begin(order, uffd);
        return;
      case "restored":
        this.#restored = true;
        return;
      case "arrived":
        return this.#lookForLate();
    }
  }

  #map(into: Map<number, Mapping>, id: number, path: string): void {
    const { size } = Deno.statSync(path);
    if (size === 0) return;
    using file = openFile(path, "read");
    into.set(id, this.#owned.use(Mapping.of(file, size)));
  }

  #begin(order: TaskOrder, uffd: Fd): void {
    this.#owned.use(uffd);
    // Told by whoever learned of the task, and once more by whoever replaced this server's predecessor.
    if (this.#orders.has(order.id)) return uffd.close();
    const log = this.#owned.use(new EventLog(order.logPath));
    const task = new FillTask({
      id: order.id,
      uffd,
      pieces: this.#index(order.indexPath),
      store: this.#store,
      waits: this.#waits,
      log,
      areas: this.#areasBefore(order),
      pageBytes: this.#pageBytes,
    });
    this.#orders.set(order.id, order);
    this.#logs.set(order.id, log);
    this.#lastId = Math.max(this.#lastId, order.id);
    this.#tasks.push(task);
    if (order.again) task.wakeAll();
  }

  /** How the areas of a memory stood when it came to be. */
  #areasBefore({ parent }: Pick<TaskOrder, "parent">): Areas {
    const order = parent && this.#orders.get(parent.id);
    if (!parent || !order) return Areas.untouched();
    const events = this.#logs.get(parent.id)?.events().slice(0, parent.logged) ?? [];
    return areasAfter(this.#areasBefore(order), events, this.#pageBytes);
  }

  #index(path: string): Pieces {
    const known = this.#indexes.get(path) ?? readLazyIndex(path);
    this.#indexes.set(path, known);
    return known;
  }

  #takeEvents(uffd: Fd | undefined): void {
    const task = this.#tasks.find((one) => one.uffd === uffd);
    const order = task && this.#orders.get(task.id);
    if (!order) return;
    for (const { fd, logged } of task.takeEvents()) {
      const id = this.#lastId + 1;
      const child = {
        type: "task",
        id,
        indexPath: order.indexPath,
        logPath: `${order.logPath}.${id}`,
        parent: { id: order.id, logged },
      } as const;
      const uffd = Fd.own(fd);
      // First of all: were this one to die now, the child's memory would be lost.
      this.#tell({ type: "forked", task: child }, [uffd]);
      this.#begin({ ...child, again: false }, uffd);
    }
  }

  /** One part of the first task that has something to do. */
  #fillNext(): void {
    const task = this.#tasks.find(({ idle }) => !idle);
    if (!task) return;
    task.fillNext();
  }

  #forgetGone(): void {
    if (!this.#tasks.some(({ gone }) => gone)) return;
    for (const task of this.#tasks.filter(({ gone }) => gone)) {
      this.#pages += task.pages;
      this.#faults += task.faults;
      task.uffd.close();
    }
    this.#tasks = this.#tasks.filter(({ gone }) => !gone);
  }

  #tellProgress(): void {
    const now = performance.now();
    if (now - this.#toldAt < PROGRESS_MS) return;
    this.#toldAt = now;
    this.#tell({ type: "progress", ...this.#figures() });
  }

  #figures() {
    const sum = (of: (task: FillTask) => number) => this.#tasks.reduce((all, t) => all + of(t), 0);
    return {
      pages: this.#pages + sum(({ pages }) => pages),
      faults: this.#faults + sum(({ faults }) => faults),
      waited: this.#waits.figures,
    };
  }

  /** Once the descriptors are closed, the kernel fills in what is asked for: with zeros, as is right now. */
  #finish(): void {
    if (this.#state) writeAll(this.#state, new TextEncoder().encode(DRAINED));
    this.#tell({ type: "drained", ...this.#figures() });
  }

  #tell(report: ServerReport, fds: readonly Fd[] = []): void {
    if (!this.#control) return;
    try {
      trySendMessage(this.#control, encodeMessage(report), fds);
    } catch {
      // Nobody listens any more; the work goes on.
      this.#lonely();
    }
  }
}

// Last: what is above has to be there when the server begins. In the binary main.ts calls it.
if (import.meta.main && !Deno.build.standalone) {
  const [command, number] = Deno.args;
  if (command === FAULT_SERVER_COMMAND) serveFaults(Number(number));
  Deno.exit(0);
}
