/**
 * The kernel's sock_diag: what it tells of the sockets of a network namespace (linux/sock_diag.h).
 *
 * @module
 */

import { Fd } from "./fd.ts";
import type { Bytes } from "./layouts.ts";
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
/** `struct nlmsghdr` and `struct nlattr`. */
const [HEADER_BYTES, ATTRIBUTE_BYTES] = [16, 4];
/** The kernel fills no more than this at once. */
const BUFFER_BYTES = 64 * 1024;

/** One socket: the family's own message without its attributes, and those by their types. */
export interface DiagEntry {
  readonly message: DataView;
  readonly attributes: ReadonlyMap<number, Uint8Array>;
}

/**
 * Asks for every socket of a family in the network namespace of this process.
 *
 * @param request The family's `struct ..._diag_req`.
 * @param messageBytes The length of its `struct ..._diag_msg`.
 * @throws SyscallError, for one where the kernel lacks sock_diag
 */
export function dumpSockets(request: Bytes, messageBytes: number): DiagEntry[] {
  const opened = libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  using socket = Fd.own(check("socket", opened));
  const whole = new Uint8Array(HEADER_BYTES + request.length);
  const view = new DataView(whole.buffer);
  view.setUint32(0, whole.length, true);
  view.setUint16(4, SOCK_DIAG_BY_FAMILY, true);
  view.setUint16(6, DUMP_REQUEST, true);
  whole.set(request, HEADER_BYTES);
  check("write", libc().write(socket.raw, whole, BigInt(whole.length)));
  const entries: DiagEntry[] = [];
  const buffer = new Uint8Array(BUFFER_BYTES);
  for (;;) {
    const count = check("read", libc().read(socket.raw, buffer, BigInt(buffer.length)));
    // What is kept of it outlives the next read.
    if (takeMessages(buffer.slice(0, count), messageBytes, entries)) return entries;
  }
}

/**
 * Adds what `bytes`, whole netlink messages, tell of sockets.
 *
 * @returns whether the dump has ended
 */
export function takeMessages(
  bytes: Uint8Array,
  messageBytes: number,
  entries: DiagEntry[],
): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const length = view.getUint32(at, true);
    const type = view.getUint16(at + 4, true);
    if (type === NLMSG_DONE || type === NLMSG_ERROR) return true;
    if (length < HEADER_BYTES + messageBytes || at + length > bytes.length) return true;
    entries.push(entryIn(bytes.subarray(at + HEADER_BYTES, at + length), messageBytes));
    at += aligned(length);
  }
  return false;
}

function entryIn(bytes: Uint8Array, messageBytes: number): DiagEntry {
  const message = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const attributes = new Map<number, Uint8Array>();
  for (let at = messageBytes; at + ATTRIBUTE_BYTES <= bytes.length;) {
    const length = message.getUint16(at, true);
    if (length < ATTRIBUTE_BYTES || at + length > bytes.length) break;
    attributes.set(
      message.getUint16(at + 2, true),
      bytes.subarray(at + ATTRIBUTE_BYTES, at + length),
    );
    at += aligned(length);
  }
  return { message, attributes };
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
