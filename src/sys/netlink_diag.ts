/**
 * The netlink sockets of a host (linux/netlink_diag.h). Unlike /proc/net/netlink it tells of those, too,
 * that have joined groups without an address.
 *
 * @module
 */

import type { Bytes } from "./layouts.ts";
import { dumpSockets } from "./sock_diag.ts";

const AF_NETLINK = 16;
const ALL_PROTOCOLS = 255;
const NDIAG_SHOW_MEMINFO = 0x1;
const NDIAG_SHOW_GROUPS = 0x2;
const NETLINK_DIAG_MEMINFO = 0;
const NETLINK_DIAG_GROUPS = 1;
/** `struct netlink_diag_req` and `struct netlink_diag_msg`. */
const [REQUEST_BYTES, MESSAGE_BYTES] = [20, 28];

/** One netlink socket. */
export interface NetlinkSocket {
  readonly inode: number;
  /** Its address; 0 when it is bound to none. */
  readonly port: number;
  /** The groups that it can have joined, as bits, 32 a number; empty when it never joined one. */
  readonly groups: readonly number[];
  /** What the kernel accounts for messages that wait in it. */
  readonly unreadBytes: number;
}

/**
 * Every netlink socket of the network namespace of this process that has an address or a group.
 *
 * @throws SyscallError, for one where the kernel lacks CONFIG_NETLINK_DIAG
 */
export function listNetlinkSockets(): NetlinkSocket[] {
  return dumpSockets(dumpRequest(), MESSAGE_BYTES).map(({ message, attributes }) => ({
    inode: message.getUint32(16, true),
    port: message.getUint32(4, true),
    groups: wordsIn(attributes.get(NETLINK_DIAG_GROUPS)),
    // SK_MEMINFO_RMEM_ALLOC is the first of them.
    unreadBytes: wordsIn(attributes.get(NETLINK_DIAG_MEMINFO))[0] ?? 0,
  }));
}

function dumpRequest(): Bytes {
  const request = new Uint8Array(REQUEST_BYTES);
  const view = new DataView(request.buffer);
  view.setUint8(0, AF_NETLINK);
  view.setUint8(1, ALL_PROTOCOLS);
  view.setUint32(8, NDIAG_SHOW_MEMINFO | NDIAG_SHOW_GROUPS, true);
  return request;
}

function wordsIn(bytes: Uint8Array = new Uint8Array()): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length >> 2 }, (_, index) => view.getUint32(index * 4, true));
}
