/**
 * A small victim: a shell that counts into a file.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { spawn } from "../sys/mod.ts";
import { listDescendants } from "./listing.ts";

/** How often the shell is looked for, and how long to pause in between. */
const LOOKS = 100;
const PAUSE_MS = 20;

/** A running counter. Disposing of it ends it, unless it has left. */
export interface Counter extends Disposable {
  /** The counting shell: pid 1 of a pid namespace of its own, leader of a session. */
  readonly pid: number;
}

/**
 * Starts a shell that appends 1, 2, 3 and so on to `path`, a line each, about fifty a second. It has no
 * descriptor but /dev/null, so that nothing ties it to this process.
 *
 * @throws PhaulError `feature-missing` when no pid namespace can be made
 */
export async function startCounter(path: string): Promise<Counter> {
  const script = `while :; do n=$((n+1)); echo $n >>'${path}'; sleep 0.02; done`;
  const outer = spawn({
    command: "unshare",
    args: ["--pid", "--fork", "setsid", "sh", "-c", script],
    cwd: "/",
    newSession: true,
  });
  for (let look = 0; look < LOOKS && !outer.pidfd.dead; look++) {
    const [inner] = listDescendants(outer.pid);
    if (inner && await isShell(inner.pid)) {
      return {
        pid: inner.pid,
        [Symbol.dispose]() {
          if (!outer.pidfd.dead) Deno.kill(inner.pid, "SIGKILL");
          outer[Symbol.dispose]();
        },
      };
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  outer[Symbol.dispose]();
  throw new PhaulError("feature-missing", "Cannot start a counter in a pid namespace of its own", {
    remedy: 'Try "unshare --pid --fork true": what it says must be mended first',
  });
}

/** setsid has made way for the shell. */
async function isShell(pid: number): Promise<boolean> {
  const comm = await Deno.readTextFile(`/proc/${pid}/comm`).catch(() => "");
  return comm.trim() === "sh";
}
