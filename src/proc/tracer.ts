/**
 * A criu that has lost its phaul: it lets go of the tree that it traces, or is made to.
 *
 * @module
 */

import { listNumbers, PROC_ROOT, readArguments, readStatus } from "./procfs.ts";

const LOOK_MS = 20;
/** CRIU notices the end of its client at once, unless it is amid a transfer that stands still. */
const PATIENCE_MS = 5_000;
/** Then it is killed, and the kernel lets go of what it traced. */
const LAST_MS = 10_000;

/**
 * Resolves when no thread of `pids` is traced by a criu any more. One that does not let go is killed:
 * the kernel resumes what it traced.
 *
 * @throws Error when even that did not help
 */
export async function untraced(pids: readonly number[], procRoot = PROC_ROOT): Promise<void> {
  const begun = performance.now();
  for (;;) {
    const tracers = criuTracers(pids, procRoot);
    if (tracers.length === 0) return;
    const waited = performance.now() - begun;
    if (waited > LAST_MS) throw new Error(`Cannot end criu, process ${tracers.join(", ")}`);
    if (waited > PATIENCE_MS) tracers.forEach(kill);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function criuTracers(pids: readonly number[], procRoot: string): number[] {
  const threads = pids.flatMap((pid) =>
    listNumbers(`${procRoot}/${pid}/task`).map((tid) => readStatus(tid, procRoot)?.tracerPid ?? 0)
  );
  const tracers = new Set(threads.filter((pid) => pid > 0));
  return [...tracers].filter((pid) => readArguments(pid, procRoot).includes("swrk"));
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}
