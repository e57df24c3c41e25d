/**
 * A process of its own between rsync and phaul; see {@linkcode FILES_PIPE_COMMAND}.
 *
 * @module
 */

import { FILES_PIPE_COMMAND } from "./pipe_command.ts";

/** Carries bytes between the standard streams and the socket at `path` until both are at their end. */
export async function pipeFiles(path: string): Promise<void> {
  const socket = await Deno.connect({ transport: "unix", path });
  const up = Deno.stdin.readable.pipeTo(socket.writable, { preventClose: true })
    .then(() => socket.closeWrite());
  // What the other end has said last ends rsync, whatever that would say itself.
  await Promise.race([
    socket.readable.pipeTo(Deno.stdout.writable),
    up.then(() => new Promise<never>(() => {})),
  ]);
}

// In the binary main.ts calls it.
if (import.meta.main && !Deno.build.standalone) {
  const [command, path = ""] = Deno.args;
  if (command === FILES_PIPE_COMMAND) await pipeFiles(path);
  Deno.exit(0);
}
