/** libvirt's daemons in a room, as its children. */

import { runHere } from "../command.ts";

const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 200;
/** Of libvirtd's log: what it dies of stands last. */
const LOG_LINES = 5;

/**
 * Starts virtlogd and libvirtd and waits until one can be asked. They write down what they say in
 * `dir`/log, and end with the room.
 *
 * @throws Error with libvirtd's last words when it does not come up.
 */
export async function startLibvirt(dir: string): Promise<void> {
  daemon("virtlogd", dir);
  const libvirtd = daemon("libvirtd", dir);
  let ended = false;
  void libvirtd.status.then(() => ended = true);
  const endMs = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      await askLibvirt("version");
      return;
    } catch (cause) {
      if (ended || performance.now() > endMs) {
        const log = await Deno.readTextFile(`${dir}/log/libvirtd.log`);
        const words = log.trim().split("\n").slice(-LOG_LINES).join("\n");
        throw new Error(`Cannot start libvirtd:\n${words}`, { cause });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** What virsh(1) prints for `args`. */
export async function askLibvirt(...args: readonly string[]): Promise<string> {
  return (await runHere("virsh", ["--connect", "qemu:///system", "--quiet", ...args])).trim();
}

function daemon(name: string, dir: string): Deno.ChildProcess {
  // The shell only redirects: a pipe would need a reader.
  return new Deno.Command("sh", {
    args: ["-c", 'exec "$1" >"$2" 2>&1', "daemon", name, `${dir}/log/${name}.log`],
    stdin: "null",
  }).spawn();
}
