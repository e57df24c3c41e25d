/**
 * The unix sockets of a host and who is at the other end, as the kernel's sock_diag tells.
 *
 * @module
 */

import { Fd } from "./fd.ts";
import { AddressFamily, type Bytes } from "./layouts.ts";
import { libc } from "./libc.ts";
import { check } from "./syscall.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
/** NLM_F_REQUEST and NLM_F_DUMP. */
const DUMP_REQUEST = 0x301;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const UDIAG_SHOW_NAME = 0x1;
const UDIAG_SHOW_PEER = 0x4;
const UNIX_DIAG_NAME = 0;
const UNIX_DIAG_PEER = 2;
const ANY_STATE = 0xffff_ffff;
/** `struct nlmsghdr`, `struct unix_diag_req`, `struct unix_diag_msg` and `struct nlattr`. */
const [HEADER_BYTES, REQUEST_BYTES, MESSAGE_BYTES, ATTRIBUTE_BYTES] = [16, 24, 16, 4];
/** The kernel fills no more than this at once. */
const BUFFER_BYTES = 64 * 1024;

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
  const type = SOCK_RAW | SOCK_CLOEXEC;
  const opened = libc().socket(AF_NETLINK, type, NETLINK_SOCK_DIAG);
  using socket = Fd.own(check("socket", opened));
  const request = dumpRequest();
  check("write", libc().write(socket.raw, request, BigInt(request.length)));
  const sockets: UnixSocket[] = [];
  const buffer = new Uint8Array(BUFFER_BYTES);
  for (;;) {
    const count = check("read", libc().read(socket.raw, buffer, BigInt(buffer.length)));
    if (takeMessages(buffer.subarray(0, count), sockets)) return sockets;
  }
}

function dumpRequest(): Bytes {
  const request = new Uint8Array(HEADER_BYTES + REQUEST_BYTES);
  const view = new DataView(request.buffer);
  view.setUint32(0, request.length, true);
  view.setUint16(4, SOCK_DIAG_BY_FAMILY, true);
  view.setUint16(6, DUMP_REQUEST, true);
  view.setUint8(HEADER_BYTES, AddressFamily.UNIX);
  view.setUint32(HEADER_BYTES + 4, ANY_STATE, true);
  view.setUint32(HEADER_BYTES + 12, UDIAG_SHOW_NAME | UDIAG_SHOW_PEER, true);
  return request;
}

/**
 * Adds what `bytes`, whole netlink messages, tell of sockets.
 *
 * @returns whether the dump has ended
 */
export function takeMessages(bytes: Uint8Array, sockets: UnixSocket[]): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const length = view.getUint32(at, true);
    const type = view.getUint16(at + 4, true);
    if (type === NLMSG_DONE || type === NLMSG_ERROR) return true;
    if (length < HEADER_BYTES + MESSAGE_BYTES || at + length > bytes.length) return true;
    const socket = readSocket(bytes.subarray(at + HEADER_BYTES, at + length));
    if (socket !== undefined) sockets.push(socket);
    at += aligned(length);
  }
  return false;
}

function readSocket(message: Uint8Array): UnixSocket | undefined {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const type = TYPES[view.getUint8(1)];
  if (type === undefined) return undefined;
  const found: { peerInode?: number; name?: string } = {};
  for (let at = MESSAGE_BYTES; at + ATTRIBUTE_BYTES <= message.length;) {
    const length = view.getUint16(at, true);
    if (length < ATTRIBUTE_BYTES || at + length > message.length) break;
    const kind = view.getUint16(at + 2, true);
    const data = message.subarray(at + ATTRIBUTE_BYTES, at + length);
    if (kind === UNIX_DIAG_PEER && data.length >= 4) {
      found.peerInode = view.getUint32(at + ATTRIBUTE_BYTES, true);
    }
    if (kind === UNIX_DIAG_NAME && data.length > 0) found.name = nameOf(data);
    at += aligned(length);
  }
  return { inode: view.getUint32(4, true), type, ...found };
}

function nameOf(data: Uint8Array): string {
  const text = new TextDecoder().decode(data);
  return text.startsWith("\0") ? `@${text.slice(1)}` : text.replace(/\0+$/, "");
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
