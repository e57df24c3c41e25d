/**
 * Unix sockets as CRIU needs them: raw, blocking and close-on-exec.
 *
 * @module
 */

import { Errno } from "./errno.ts";
import { Fd } from "./fd.ts";
import { AddressFamily, sockaddrUn } from "./layouts.ts";
import { libc } from "./libc.ts";
import { readable } from "./poller.ts";
import { check, checkExcept } from "./syscall.ts";

const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const BACKLOG = 8;

/** Two connected SOCK_SEQPACKET sockets, blocking. The caller owns both. */
export function seqpacketPair(): [Fd, Fd] {
  return pair(SOCK_SEQPACKET);
}

/** Two connected SOCK_STREAM sockets, blocking. The caller owns both. */
export function streamPair(): [Fd, Fd] {
  return pair(SOCK_STREAM);
}

/**
 * A blocking socket connected to the listener at `path`: SOCK_STREAM, or what the listener is. The
 * caller owns it. It stays blocking since CRIU's page server fails with EAGAIN on a non-blocking one.
 *
 * @throws SyscallError, with the path in its message
 */
export function connectUnix(path: string, kind: "stream" | "seqpacket" = "stream"): Fd {
  const address = sockaddrUn(path);
  const type = kind === "stream" ? SOCK_STREAM : SOCK_SEQPACKET;
  const socket = Fd.own(check("socket", libc().socket(AddressFamily.UNIX, type | SOCK_CLOEXEC, 0)));
  try {
    check(`connect '${path}'`, libc().connect(socket.raw, address, address.length));
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/**
 * A socket that listens at `path`, for streams. The caller owns it, and removes the path.
 *
 * @throws SyscallError, with the path in its message
 */
export function listenUnix(path: string): Fd {
  const address = sockaddrUn(path);
  const type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const socket = Fd.own(check("socket", libc().socket(AddressFamily.UNIX, type, 0)));
  try {
    check(`bind '${path}'`, libc().bind(socket.raw, address, address.length));
    check(`listen '${path}'`, libc().listen(socket.raw, BACKLOG));
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/**
 * Waits for the next connection to `listener`: a blocking socket, which the caller owns.
 *
 * @throws the signal's reason when it is aborted; SyscallError
 */
export async function acceptUnix(listener: Fd, signal?: AbortSignal): Promise<Fd> {
  for (;;) {
    await readable(listener, signal);
    const expected = [Errno.EAGAIN, Errno.ECONNABORTED];
    const accepted = checkExcept(
      "accept4",
      expected,
      libc().accept4(listener.raw, null, null, SOCK_CLOEXEC),
    );
    if (typeof accepted === "number") return Fd.own(accepted);
  }
}

/**
 * shutdown(2): ends the connection for every process that holds the socket. A socket whose peer is
 * gone (ENOTCONN) is down already, which is no error.
 */
export function shutdownSocket(fd: Fd, how: "read" | "write" | "both"): void {
  const direction = { read: 0, write: 1, both: 2 }[how];
  checkExcept("shutdown", [Errno.ENOTCONN], libc().shutdown(fd.raw, direction));
}

function pair(type: number): [Fd, Fd] {
  const numbers = new Int32Array(2);
  check("socketpair", libc().socketpair(AddressFamily.UNIX, type | SOCK_CLOEXEC, 0, numbers));
  const [one = -1, other = -1] = numbers;
  return [Fd.own(one), Fd.own(other)];
}
