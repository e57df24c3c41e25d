/**
 * TCP sockets by number: for a CRIU that is to send over one itself.
 *
 * @module
 */

import { Errno } from "./errno.ts";
import { Fd } from "./fd.ts";
import { AddressFamily, type Bytes, IntCell, sockaddrIn } from "./layouts.ts";
import { libc } from "./libc.ts";
import { writable } from "./poller.ts";
import { readOption, writeOption } from "./socket_options.ts";
import { check, checkExcept, syscallError } from "./syscall.ts";

const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const F_GETFL = 3;
const F_SETFL = 4;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_INFO = 11;
const TCP_USER_TIMEOUT = 18;
const PROBES = 3;
/** `struct tcp_info` of linux/tcp.h up to and with tcpi_bytes_acked, which ends it here. */
const TCP_INFO_BYTES = 128;
const BYTES_ACKED_AT = 120;

/** Bounds of a connection. */
export interface TcpBounds {
  /** Ends the connecting. */
  readonly signal?: AbortSignal;
  /** A peer that is silent, or takes nothing, for so long is given up by the kernel. */
  readonly silentMs: number;
}

/**
 * A blocking socket that is connected to `address`, an IPv4 or IPv6 address and no name. The caller
 * owns it.
 *
 * @throws SyscallError; TypeError for a name; the signal's reason when it is aborted
 */
export async function connectTcp(
  address: { readonly host: string; readonly port: number },
  { signal, silentMs }: TcpBounds,
): Promise<Fd> {
  const name = sockaddrIn(address);
  const family = address.host.includes(":") ? AddressFamily.INET6 : AddressFamily.INET;
  const type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  using stack = new DisposableStack();
  const socket = stack.use(Fd.own(check("socket", libc().socket(family, type, 0))));
  checkExcept("connect", [Errno.EINPROGRESS], libc().connect(socket.raw, name, name.length));
  await writable(socket, signal);
  const errno = readOption(socket, SOL_SOCKET, SO_ERROR);
  if (errno !== 0) throw syscallError("connect", errno);
  boundSilence(socket, silentMs);
  const flags = check("fcntl", libc().fcntl(socket.raw, F_GETFL, 0));
  check("fcntl", libc().fcntl(socket.raw, F_SETFL, flags & ~SOCK_NONBLOCK));
  stack.move();
  return socket;
}

/** Whoever holds the socket hears of a peer that is gone, also when nobody else is left to tell. */
function boundSilence(socket: Fd, silentMs: number): void {
  const seconds = Math.max(1, Math.ceil(silentMs / 1000 / PROBES));
  writeOption(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  writeOption(socket, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  writeOption(socket, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
  writeOption(socket, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
  writeOption(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, silentMs);
}

/**
 * Sends at once what a corked socket holds back for up to 200 ms (tcp(7), TCP_CORK): the kernel pushes
 * whenever TCP_NODELAY is set, and the cork stays.
 */
export function pushTcp(socket: Fd): void {
  writeOption(socket, IPPROTO_TCP, TCP_NODELAY, 1);
}

/** Bytes that the peer's kernel has taken so far; the opening of the connection counts as one. */
export function acknowledgedBytes(socket: Fd): number {
  const info: Bytes = new Uint8Array(TCP_INFO_BYTES);
  const length = new IntCell(info.length);
  check("getsockopt", libc().getsockopt(socket.raw, IPPROTO_TCP, TCP_INFO, info, length.bytes));
  return Number(new DataView(info.buffer).getBigUint64(BYTES_ACKED_AT, true));
}
