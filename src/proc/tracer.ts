/**
 * A criu that has lost its phaul: it lets go of the tree that it works on, or is made to.
 *
 * @module
 */

import type { ProcessIdentity } from "./process_identity.ts";
import { listNumbers, PROC_ROOT, readArguments, readStat, readStatus } from "./procfs.ts";

const LOOK_MS = 20;
/** CRIU notices the end of its client at once, unless it is amid a transfer that stands still. */
const PATIENCE_MS = 5_000;
/** Then it is killed, and the kernel lets go of what it traced. */
const LAST_MS = 10_000;

/**
 * Resolves when no criu traces a thread of `tasks` any more, or is the parent of one. A criu that does not
 * let go is killed: the kernel resumes what it traced.
 *
 * @throws Error when even that did not help
 */
export async function leftByCriu(
  tasks: readonly ProcessIdentity[],
  procRoot = PROC_ROOT,
): Promise<void> {
  const begun = performance.now();
  for (;;) {
    const criu = criuOf(tasks, procRoot);
    if (criu.length === 0) return;
    const waited = performance.now() - begun;
    if (waited > LAST_MS) throw new Error(`Cannot end criu, process ${criu.join(", ")}`);
    if (waited > PATIENCE_MS) criu.forEach(kill);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Kills every criu that traces a thread of `tasks`, or is the parent of one. */
export function killCriuOf(tasks: readonly ProcessIdentity[], procRoot = PROC_ROOT): void {
  criuOf(tasks, procRoot).forEach(kill);
}

function criuOf(tasks: readonly ProcessIdentity[], procRoot: string): number[] {
  // Whoever else has such a pid by now may have a criu that does its work.
  const pids = tasks.filter(({ pid, startTimeTicks }) =>
    readStat(pid, procRoot)?.startTimeTicks === startTimeTicks
  ).map(({ pid }) => pid);
  const tracers = pids.flatMap((pid) =>
    listNumbers(`${procRoot}/${pid}/task`).map((tid) => readStatus(tid, procRoot)?.tracerPid ?? 0)
  ).filter((pid) => pid > 0);
  const parents = pids.map((pid) => readStat(pid, procRoot)?.parentPid ?? 0).filter((pid) =>
    pid > 0
  );
  const swrk = [...tracers, ...parents].filter((pid) =>
    readArguments(pid, procRoot).includes("swrk")
  );
  // Of a criu service only the worker that traces: the service itself works for others, too.
  const workers = tracers.filter((pid) => isOfService(readArguments(pid, procRoot)));
  return [...new Set([...swrk, ...workers])];
}

function isOfService(words: readonly string[]): boolean {
  return words.some((word, at) => /(^|\/)criu$/.test(word) && words[at + 1] === "service");
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}
