/**
 * The victim's process tree: as /proc lists it, and as pidfds hold it.
 *
 * @module
 */

import { PhaulError, SyscallError } from "../errors.ts";
import { Errno, PidFd, type Signal } from "../sys/mod.ts";
import { listDescendants, listTree, type TreeProcess } from "./listing.ts";
import { listNumbers, parseStat, PROC_ROOT, readStat, readText } from "./procfs.ts";

export { listTree, type TreeProcess } from "./listing.ts";

const SETTLE_STEP_MS = 2;
/** SIGSTOP cannot be refused: only a host that is out of CPU time comes near this. */
const SETTLE_STEPS = 5_000;

/**
 * How many looks in a row a thread must have been deep in the kernel (D) for it to count as at rest. It
 * may be half through a fork; but the parent of a vfork stays there as long as its child is stopped.
 */
const KERNEL_STEPS = 50;

/** A process and the pidfd that holds it. */
interface Held {
  readonly process: TreeProcess;
  readonly pidfd: PidFd;
}

/**
 * A process tree held by one pidfd per process, so that a recycled pid is never signalled. It owns
 * the pidfds: take it with `using`.
 */
export class ProcessTree implements Disposable {
  readonly rootPid: number;
  readonly #held: Held[] = [];

  private constructor(rootPid: number) {
    this.rootPid = rootPid;
  }

  /**
   * Opens the tree below `rootPid`, with what it forks meanwhile.
   *
   * @throws PhaulError `no-such-process` when there is no such process or it is a zombie
   */
  static open(rootPid: number): ProcessTree {
    const tree = new ProcessTree(rootPid);
    try {
      const [root, ...descendants] = listTree(rootPid);
      if (root === undefined || !tree.#hold(root)) {
        throw new PhaulError("no-such-process", `Cannot hold process ${rootPid}: it has ended`);
      }
      for (const process of descendants) tree.#hold(process);
      while (tree.#holdNewcomers() > 0);
      return tree;
    } catch (error) {
      tree.close();
      throw error;
    }
  }

  /**
   * Holds those of `tasks`, root first, that still live as the processes that they were. No other is
   * looked for.
   */
  static adopt(tasks: readonly TreeProcess[]): ProcessTree {
    const tree = new ProcessTree(tasks[0]?.pid ?? 0);
    try {
      for (const task of tasks) tree.#hold(task);
      return tree;
    } catch (error) {
      tree.close();
      throw error;
    }
  }

  /**
   * The processes held, root first, ancestors before descendants, each in the state in which it was
   * first seen: those "stopped" here were so before phaul touched them.
   */
  get processes(): readonly TreeProcess[] {
    return this.#held.map(({ process }) => process);
  }

  /** The root is held, and has not ended. */
  get rootLives(): boolean {
    const root = this.#held[0];
    return root?.process.pid === this.rootPid && !root.pidfd.dead;
  }

  /** Those of the processes held that have not ended. */
  get living(): readonly TreeProcess[] {
    return this.#held.filter(({ pidfd }) => !pidfd.dead).map(({ process }) => process);
  }

  /**
   * SIGSTOP to every process, until all have come to rest and a new listing shows none that was not
   * stopped. Under ptrace the signal stays queued: a tree that CRIU has frozen rests already.
   *
   * @throws PhaulError `stalled` when a process does not come to rest
   */
  async stop(): Promise<void> {
    let signalled = 0;
    let restingSteps = 0;
    for (let step = 0; step < SETTLE_STEPS; step++) {
      for (const held of this.#held.slice(signalled)) signalUnlessDead(held, "SIGSTOP");
      signalled = this.#held.length;
      const states = this.#threadStates();
      restingSteps = /^[TtZXD]*$/.test(states) ? restingSteps + 1 : 0;
      const atRest = !states.includes("D") || restingSteps > KERNEL_STEPS;
      // At rest first, then listed: what rests forks no more, so that listing is the last.
      if (restingSteps > 0 && atRest && this.#holdNewcomers() === 0) return;
      await new Promise((resolve) => setTimeout(resolve, SETTLE_STEP_MS));
      this.#holdNewcomers();
    }
    throw new PhaulError("stalled", `Cannot stop the tree of process ${this.rootPid}: it runs on`);
  }

  /**
   * SIGCONT, descendants before ancestors: a shell that ran first would see its children stopped.
   * Left alone are those whose nsPid is in `stoppedNsPids`, zombies and the dead.
   */
  continue(stoppedNsPids: ReadonlySet<number>): void {
    for (const held of this.#held.toReversed()) {
      if (!stoppedNsPids.has(held.process.nsPid)) signalUnlessDead(held, "SIGCONT");
    }
  }

  /** SIGKILL, descendants before ancestors; the dead are skipped. */
  kill(): void {
    for (const held of this.#held.toReversed()) signalUnlessDead(held, "SIGKILL");
  }

  /**
   * Resolves when every process held is gone; a zombie that nobody collected is gone.
   *
   * @throws the signal's reason when it is aborted
   */
  async exited(signal?: AbortSignal): Promise<void> {
    await Promise.all(this.#held.map(({ pidfd }) => pidfd.exited(signal)));
  }

  /** Every process held that was no zombie when it was listed lives. */
  get whole(): boolean {
    return this.#held.length > 0 &&
      this.#held.every(({ process, pidfd }) => process.state === "zombie" || !pidfd.dead);
  }

  /**
   * Resolves when the first of the processes held is gone, zombies left out.
   *
   * @throws the signal's reason when it is aborted
   */
  async anyExited(signal?: AbortSignal): Promise<void> {
    const living = this.#held.filter(({ process }) => process.state !== "zombie");
    await Promise.race(living.map(({ pidfd }) => pidfd.exited(signal)));
  }

  /**
   * Resolves when the root is gone.
   *
   * @throws the signal's reason when it is aborted
   */
  async rootExited(signal?: AbortSignal): Promise<void> {
    await this.#held[0]?.pidfd.exited(signal);
  }

  /** Closes the pidfds; the processes are left as they are. */
  close(): void {
    for (const { pidfd } of this.#held) pidfd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #hold(process: TreeProcess): boolean {
    const pidfd = openVerified(process);
    if (pidfd === undefined) return false;
    this.#held.push({ process, pidfd });
    return true;
  }

  /**
   * Holds descendants not held yet and says how many. Looks below each process, not only below the
   * root: when a parent dies its children go to init and are the root's descendants no longer.
   */
  #holdNewcomers(): number {
    const known = new Set(this.#held.map(({ process }) => identityOf(process)));
    const before = this.#held.length;
    for (const { process, pidfd } of this.#held.slice()) {
      if (pidfd.dead) continue;
      for (const descendant of listDescendants(process.pid)) {
        if (known.has(identityOf(descendant))) continue;
        known.add(identityOf(descendant));
        this.#hold(descendant);
      }
    }
    return this.#held.length - before;
  }

  /** The kernel's letters for all threads of all processes that live. */
  #threadStates(): string {
    const alive = this.#held.filter(({ pidfd }) => !pidfd.dead);
    return alive.map(({ process }) => threadStates(process.pid)).join("");
  }
}

/**
 * Opens a pidfd for `process` and makes sure that it is still the process that was listed.
 *
 * @returns undefined when that process is gone, whoever has its pid now; else the caller owns it
 */
export function openVerified(
  process: TreeProcess,
  procRoot: string = PROC_ROOT,
): PidFd | undefined {
  const pidfd = unlessDead(() => PidFd.open(process.pid));
  if (pidfd === undefined) return undefined;
  // Read after the open: had the pid been recycled before it, the start time would differ now.
  if (readStat(process.pid, procRoot)?.startTimeTicks === process.startTimeTicks) return pidfd;
  pidfd.close();
  return undefined;
}

function identityOf(process: TreeProcess): string {
  return `${process.pid}:${process.startTimeTicks}`;
}

function signalUnlessDead({ pidfd, process }: Held, signal: Signal): void {
  if (process.state === "zombie" || pidfd.dead) return;
  unlessDead(() => pidfd.signal(signal));
}

function unlessDead<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof SyscallError && error.errno === Errno.ESRCH) return undefined;
    throw error;
  }
}

function threadStates(pid: number): string {
  const task = `${PROC_ROOT}/${pid}/task`;
  const states = listNumbers(task).map((tid) => {
    const text = readText(`${task}/${tid}/stat`);
    return text === undefined ? "X" : parseStat(text)?.state ?? "X";
  });
  return states.join("");
}
