/**
 * The socket over which a restoring CRIU hands out the userfaultfd of each task.
 *
 * Protocol (criu/uffd.c): CRIU connects to `lazy-pages.socket` in its work dir. For each task it sends an
 * int32, the pid in the innermost namespace, then one byte with the descriptor as SCM_RIGHTS; of a zombie
 * only the negative pid. When the tree is restored it sends the u32 0x52535446.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { acceptUnix, type Fd, listenUnix, openFile, recvBytes } from "../sys/mod.ts";

const NAME = "lazy-pages.socket";
const RESTORED = 0x52535446;

/** What CRIU says. Whoever gets a descriptor owns it. */
export interface LazySocketListener {
  task(pid: number, uffd: Fd): Promise<void>;
  restored(): Promise<void>;
}

/**
 * Listens in `workDir`, which CRIU's restore has as its work dir, until the tree is restored or `signal` is
 * aborted.
 *
 * @returns a promise of the end, once CRIU may connect
 * @throws SyscallError; the promise rejects with PhaulError `criu-failed` when CRIU breaks off
 */
export function listenForTasks(
  workDir: string,
  listener: LazySocketListener,
  signal: AbortSignal,
): Promise<void> {
  // By way of a descriptor: the path of a directory may be longer than a socket's address.
  using dir = openFile(workDir, "path");
  return takeTasks(listenUnix(`/proc/self/fd/${dir.raw}/${NAME}`), listener, signal);
}

async function takeTasks(
  socket: Fd,
  listener: LazySocketListener,
  signal: AbortSignal,
): Promise<void> {
  using _socket = socket;
  using connection = await acceptUnix(socket, signal);
  for (;;) {
    const word = await next(connection, 4, signal);
    const view = new DataView(word.data.buffer);
    if (view.getUint32(0, true) === RESTORED) return await listener.restored();
    const pid = view.getInt32(0, true);
    if (pid < 0) continue;
    const [uffd, ...more] = (await next(connection, 1, signal)).fds;
    for (const fd of more) fd.close();
    if (!uffd) throw brokenOff("it sent no descriptor");
    await listener.task(pid, uffd);
  }
}

async function next(connection: Fd, byteLength: number, signal: AbortSignal) {
  const message = await recvBytes(connection, byteLength, { signal });
  if (!message) throw brokenOff("it closed the connection");
  return message;
}

function brokenOff(why: string): PhaulError {
  return new PhaulError("criu-failed", `Cannot fill the restored memory in: ${why}`);
}
