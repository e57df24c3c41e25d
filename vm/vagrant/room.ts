/**
 * A room: namespaces in which libvirt and Vagrant have a machine to themselves. Whatever they start,
 * mount, route or write ends with its first process, and a libvirt of this machine's own is never
 * asked.
 */

import { repositoryPath } from "../cache.ts";
import { onSignal, WorkDir } from "../teardown.ts";

/** What {@linkcode runInRoom} runs and where. */
export interface RoomOptions {
  /** For volumes and all that is large. */
  readonly dir: WorkDir;
  /** Path of a program for Deno, and its arguments. */
  readonly program: readonly string[];
  readonly env: Record<string, string>;
}

/**
 * Runs a program of ours in a new room and returns its exit code; what it prints is shown. Needs root.
 * When this process is killed, in whatever way, all in the room is.
 */
export async function runInRoom({ dir, program, env }: RoomOptions): Promise<number> {
  const room = new Deno.Command("setpriv", {
    args: [
      ...["--pdeathsig", "KILL", "--", "unshare", "--mount", "--net", "--pid", "--ipc", "--uts"],
      ...["--fork", "--mount-proc", "--kill-child", "--"],
      ...["sh", new URL("room", import.meta.url).pathname, dir.path],
      // There is no network in there to fetch anything by.
      ...[Deno.execPath(), "run", "--allow-all", "--quiet", "--cached-only", ...program],
    ],
    cwd: repositoryPath(""),
    env,
    stdin: "null",
  }).spawn();
  using _ = onSignal(() => room.kill("SIGKILL"));
  return (await room.status).code;
}
