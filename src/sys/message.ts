/**
 * Whole messages with descriptors over a SOCK_SEQPACKET socket.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { Errno } from "./errno.ts";
import { Fd } from "./fd.ts";
import { type Bytes, IntCell, MessageHeader } from "./layouts.ts";
import { libc } from "./libc.ts";
import { readable, writable } from "./poller.ts";
import { check, checkExcept } from "./syscall.ts";

const MSG_PEEK = 0x2;
const MSG_CTRUNC = 0x8;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_PASSCRED = 16;
const SO_SNDBUFFORCE = 32;

/** A message as it arrived. The receiver owns `fds`, which are close-on-exec. */
export interface Message {
  readonly data: Bytes;
  readonly fds: Fd[];
}

/** How a wait can be ended early. */
export interface MessageOptions {
  readonly signal?: AbortSignal;
}

/**
 * Sends `data` as one message, with duplicates of `fds`; the caller still owns those and keeps them
 * open until this is done. Waits while the peer's queue is full.
 *
 * @throws SyscallError EPIPE or ECONNRESET when the peer is gone, EMSGSIZE when `data` is longer than
 *   the kernel lets the send buffer grow
 * @throws PhaulError `internal` when `data` is empty: the receiver could not tell it from the end
 * @throws the signal's reason when it is aborted before anything was sent
 */
export async function sendMessage(
  fd: Fd,
  data: Uint8Array,
  fds: readonly Fd[] = [],
  { signal }: MessageOptions = {},
): Promise<void> {
  if (data.length === 0) throw new PhaulError("internal", "Cannot send an empty message");
  signal?.throwIfAborted();
  const payload = Uint8Array.from(data);
  let grown = false;
  while (true) {
    const header = MessageHeader.sending(payload, fds.map((passed) => passed.raw));
    const expected = grown ? [Errno.EAGAIN] : [Errno.EAGAIN, Errno.EMSGSIZE];
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const sent = checkExcept("sendmsg", expected, libc().sendmsg(fd.raw, header.bytes, flags));
    if (typeof sent === "number") return requireWhole(sent, header.payload);
    if (sent.errno === Errno.EMSGSIZE) {
      // A message has to fit into the send buffer.
      growSendBuffer(fd, payload.length);
      grown = true;
    } else {
      await writable(fd, signal);
    }
  }
}

/**
 * Receives the next message, whatever its length, waiting for it without holding a thread of its own.
 * One receiver at a time.
 *
 * @returns null when the peer closed its end and everything it sent was received
 * @throws PhaulError `internal` when descriptors were lost because this process has too many open;
 *   those that did arrive are closed
 * @throws the signal's reason when it is aborted, SyscallError EBADF when `fd` is or becomes closed
 */
export async function recvMessage(
  fd: Fd,
  { signal }: MessageOptions = {},
): Promise<Message | null> {
  while (true) {
    signal?.throwIfAborted();
    const lengthBytes = peekLength(fd);
    if (lengthBytes !== undefined) return take(fd, lengthBytes);
    await readable(fd, signal);
  }
}

/**
 * The message that is there already, without waiting for one.
 *
 * @returns undefined when there is none yet, null at the end
 * @throws as {@linkcode recvMessage}
 */
export function takeMessage(fd: Fd): Message | null | undefined {
  const lengthBytes = peekLength(fd);
  return lengthBytes === undefined ? undefined : take(fd, lengthBytes);
}

/**
 * Sends `data` with duplicates of `fds`, or gives up at once when the peer's queue is full.
 *
 * @returns whether it went
 * @throws SyscallError EPIPE or ECONNRESET when the peer is gone
 */
export function trySendMessage(fd: Fd, data: Uint8Array, fds: readonly Fd[] = []): boolean {
  const payload = Uint8Array.from(data);
  const header = MessageHeader.sending(payload, fds.map((passed) => passed.raw));
  const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  const sent = checkExcept(
    "sendmsg",
    [Errno.EAGAIN],
    libc().sendmsg(fd.raw, header.bytes, flags),
  );
  return typeof sent === "number";
}

/**
 * Receives exactly `byteLength` bytes of a stream, with the descriptors that come with them.
 *
 * @returns null when the stream ends before
 * @throws the signal's reason when it is aborted; SyscallError
 */
export async function recvBytes(
  fd: Fd,
  byteLength: number,
  { signal }: MessageOptions = {},
): Promise<Message | null> {
  const data = new Uint8Array(byteLength);
  const fds: Fd[] = [];
  for (let filled = 0; filled < byteLength;) {
    await readable(fd, signal);
    const header = MessageHeader.receiving(new Uint8Array(byteLength - filled));
    const flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
    const received = checkExcept(
      "recvmsg",
      [Errno.EAGAIN],
      libc().recvmsg(fd.raw, header.bytes, flags),
    );
    if (typeof received !== "number") continue;
    fds.push(...header.receivedFds().map((raw) => Fd.own(raw)));
    if (received === 0) {
      fds.forEach((arrived) => arrived.close());
      return null;
    }
    data.set(header.payload.subarray(0, received), filled);
    filled += received;
  }
  return { data, fds };
}

/**
 * Asks the kernel to say with each message who sent it, or to stop that: `recvMessage` has no use for
 * it, `peekSender` needs it from before the message is sent.
 */
export function passCredentials(fd: Fd, pass: boolean): void {
  const value = new IntCell(pass ? 1 : 0);
  check("setsockopt", libc().setsockopt(fd.raw, SOL_SOCKET, SO_PASSCRED, value.bytes, 4));
}

/**
 * Waits for the next message and says which process sent it, by the kernel's word. The message is left
 * to be received.
 *
 * @returns its pid as this process sees it; null when the peer closed its end, or sent its message
 *   before {@linkcode passCredentials}, or from where it has no pid here
 * @throws the signal's reason when it is aborted
 */
export async function peekSender(
  fd: Fd,
  { signal }: MessageOptions = {},
): Promise<number | null> {
  while (peekLength(fd) === undefined) await readable(fd, signal);
  const header = MessageHeader.receiving(new Uint8Array(1));
  const flags = MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
  check("recvmsg", libc().recvmsg(fd.raw, header.bytes, flags));
  // A look at a message duplicates the descriptors in it.
  for (const raw of header.receivedFds()) Fd.own(raw).close();
  return header.receivedPid() || null;
}

/** The length of the next message, 0 at the end; undefined when nothing is there yet. */
function peekLength(fd: Fd): number | undefined {
  const flags = MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT;
  const expected = [Errno.EAGAIN, Errno.ECONNRESET];
  while (true) {
    const length = checkExcept("recv", expected, libc().recv(fd.raw, null, 0n, flags));
    if (typeof length === "number") return length;
    if (length.errno === Errno.EAGAIN) return undefined;
    // ECONNRESET: the peer died before it had read all we sent. The kernel says so once, ahead of
    // what the peer had still to say: its last words are behind this error.
  }
}

function take(fd: Fd, lengthBytes: number): Message | null {
  // At least one byte, as an empty message may still carry descriptors that need an owner.
  const header = MessageHeader.receiving(new Uint8Array(Math.max(lengthBytes, 1)));
  const flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
  const received = check("recvmsg", libc().recvmsg(fd.raw, header.bytes, flags));
  const fds = header.receivedFds().map((raw) => Fd.own(raw));
  const lost = header.flags & (MSG_TRUNC | MSG_CTRUNC);
  if (lost !== 0) {
    fds.forEach((arrived) => arrived.close());
    const what = lost & MSG_CTRUNC ? "descriptors" : "bytes";
    throw new PhaulError("internal", `Cannot receive a message: some of its ${what} were lost`);
  }
  if (received === 0 && fds.length === 0) return null;
  return { data: header.payload.subarray(0, received), fds };
}

/** Never seen on SOCK_SEQPACKET; on another kind of socket the rest would be lost in silence. */
function requireWhole(sent: number, payload: Bytes): void {
  if (sent === payload.length) return;
  throw new PhaulError(
    "internal",
    `Cannot send a message: ${sent} of ${payload.length} bytes went`,
  );
}

/**
 * Makes room for `bytes` on their way, as far as the kernel allows: it doubles what is asked for.
 *
 * @throws SyscallError
 */
export function growSendBuffer(fd: Fd, bytes: number): void {
  const size = new IntCell(bytes);
  const forced = checkExcept(
    "setsockopt",
    [Errno.EPERM],
    libc().setsockopt(fd.raw, SOL_SOCKET, SO_SNDBUFFORCE, size.bytes, 4),
  );
  if (typeof forced === "number") return;
  check("setsockopt", libc().setsockopt(fd.raw, SOL_SOCKET, SO_SNDBUF, size.bytes, 4));
}
