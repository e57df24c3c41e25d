/**
 * The unix sockets of a host and who is at the other end (linux/unix_diag.h).
 *
 * @module
 */

import { AddressFamily, type Bytes } from "./layouts.ts";
import { type DiagEntry, dumpSockets } from "./sock_diag.ts";

const UDIAG_SHOW_NAME = 0x1;
const UDIAG_SHOW_PEER = 0x4;
const UNIX_DIAG_NAME = 0;
const UNIX_DIAG_PEER = 2;
const ANY_STATE = 0xffff_ffff;
/** `struct unix_diag_req` and `struct unix_diag_msg`. */
const [REQUEST_BYTES, MESSAGE_BYTES] = [24, 16];

/** One unix socket. */
export interface UnixSocket {
  readonly inode: number;
  readonly type: "stream" | "datagram" | "seqpacket";
  /** The socket that it is connected to; absent when it is to none. */
  readonly peerInode?: number;
  /** Its address, one of the abstract kind with `@` for the leading NUL. */
  readonly name?: string;
}

const TYPES: Readonly<Record<number, UnixSocket["type"]>> = {
  1: "stream",
  2: "datagram",
  5: "seqpacket",
};

/**
 * Every unix socket of the network namespace of this process.
 *
 * @throws SyscallError, for one where the kernel lacks CONFIG_UNIX_DIAG
 */
export function listUnixSockets(): UnixSocket[] {
  return dumpSockets(dumpRequest(), MESSAGE_BYTES).flatMap(socketOf);
}

function dumpRequest(): Bytes {
  const request = new Uint8Array(REQUEST_BYTES);
  const view = new DataView(request.buffer);
  view.setUint8(0, AddressFamily.UNIX);
  view.setUint32(4, ANY_STATE, true);
  view.setUint32(12, UDIAG_SHOW_NAME | UDIAG_SHOW_PEER, true);
  return request;
}

/** The socket that an entry tells of; none for a kind of its own. */
function socketOf({ message, attributes }: DiagEntry): UnixSocket[] {
  const type = TYPES[message.getUint8(1)];
  if (type === undefined) return [];
  const peer = attributes.get(UNIX_DIAG_PEER);
  const name = attributes.get(UNIX_DIAG_NAME);
  return [{
    inode: message.getUint32(4, true),
    type,
    ...(peer && peer.length >= 4 ? { peerInode: uint32In(peer) } : {}),
    ...(name && name.length > 0 ? { name: nameOf(name) } : {}),
  }];
}

function uint32In(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
}

function nameOf(data: Uint8Array): string {
  const text = new TextDecoder().decode(data);
  return text.startsWith("\0") ? `@${text.slice(1)}` : text.replace(/\0+$/, "");
}
