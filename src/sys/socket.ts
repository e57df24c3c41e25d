/**
 * Unix sockets as CRIU needs them: raw, blocking and close-on-exec.
 *
 * @module
 */

import { Errno } from "./errno.ts";
import { Fd } from "./fd.ts";
import { sockaddrUn } from "./layouts.ts";
import { libc } from "./libc.ts";
import { check, checkExcept } from "./syscall.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;

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
  const socket = Fd.own(check("socket", libc().socket(AF_UNIX, type | SOCK_CLOEXEC, 0)));
  try {
    check(`connect '${path}'`, libc().connect(socket.raw, address, address.length));
    return socket;
  } catch (error) {
    socket.close();
    throw error;
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
  check("socketpair", libc().socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, numbers));
  const [one = -1, other = -1] = numbers;
  return [Fd.own(one), Fd.own(other)];
}
