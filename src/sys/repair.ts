/**
 * TCP's repair mode, in which CRIU reads and writes the inside of a connection.
 *
 * @module
 */

import type { Fd } from "./fd.ts";
import { readOption, writeOption } from "./socket_options.ts";

const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_TCP = 6;
const TCP_REPAIR = 19;
/** What SO_REUSEADDR reads in repair mode: the kernel's SK_FORCE_REUSE. */
const FORCED_REUSE = 2;

/**
 * Whether the connection is in repair mode: then reads and writes of the program fail, and a close is
 * silent, without FIN or RST.
 *
 * @throws SyscallError EOPNOTSUPP or ENOPROTOOPT when it is no TCP socket
 */
export function inRepairMode(socket: Fd): boolean {
  return readOption(socket, IPPROTO_TCP, TCP_REPAIR) !== 0;
}

/**
 * Switches repair mode. Switched off, the kernel sends a window probe, also when it was off: both ends
 * go on without waiting for a retransmission. SO_REUSEADDR stays as it is, which the kernel alone does
 * not see to; where its value was lost to CRIU's repair mode it is on, as with nearly all servers.
 *
 * @throws SyscallError EPERM without CAP_NET_ADMIN over the socket's network namespace, or when it listens
 */
export function setRepairMode(socket: Fd, on: boolean): void {
  const reuse = readOption(socket, SOL_SOCKET, SO_REUSEADDR);
  writeOption(socket, IPPROTO_TCP, TCP_REPAIR, on ? 1 : 0);
  writeOption(socket, SOL_SOCKET, SO_REUSEADDR, reuse === FORCED_REUSE ? 1 : reuse);
}
