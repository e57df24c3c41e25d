/**
 * userfaultfd(2): being told of the page faults of another process, and answering them.
 *
 * Layouts and numbers are those of linux/userfaultfd.h, the same on x86_64 and aarch64. Addresses are
 * numbers, as all user addresses are below 2^53. Whatever is called here returns at once.
 *
 * @module
 */

import { Errno } from "./errno.ts";
import type { Fd } from "./fd.ts";
import type { Bytes } from "./layouts.ts";
import { libc } from "./libc.ts";
import { checkExcept } from "./syscall.ts";

/** `sizeof(struct uffd_msg)`. */
export const UFFD_EVENT_BYTES = 32;

const UFFDIO_UNREGISTER = 0x8010aa01n;
const UFFDIO_WAKE = 0x8010aa02n;
const UFFDIO_COPY = 0xc028aa03n;
const UFFDIO_ZEROPAGE = 0xc020aa04n;
const TWO_32 = 2 ** 32;

/** What a process did that is of concern to whoever fills its memory. Ranges are in bytes. */
export type UffdEvent =
  | { readonly kind: "fault"; readonly address: number }
  /** A child has a copy of the memory; the reader of the event owns its descriptor `fd`. */
  | { readonly kind: "fork"; readonly fd: number }
  | { readonly kind: "remap"; readonly from: number; readonly to: number; readonly bytes: number }
  /** What is there now is zero, and still to be answered for. */
  | { readonly kind: "remove"; readonly start: number; readonly end: number }
  | { readonly kind: "unmap"; readonly start: number; readonly end: number };

/**
 * Reads the next event into `bytes`, {@linkcode UFFD_EVENT_BYTES} of them, from where
 * {@linkcode decodeUffdEvent} takes it. The process that caused it goes on from here on.
 *
 * @returns false when there is none; its process may have ended
 * @throws SyscallError
 */
export function readUffdEvent(uffd: Fd, bytes: Bytes): boolean {
  const expected = [Errno.EAGAIN];
  const read = checkExcept(
    "read",
    expected,
    libc().read(uffd.raw, bytes, BigInt(UFFD_EVENT_BYTES)),
  );
  return read === UFFD_EVENT_BYTES;
}

/**
 * Reads an event.
 *
 * @returns undefined for bytes that hold no event that phaul knows, such as zeros
 */
export function decodeUffdEvent(bytes: Uint8Array): UffdEvent | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, UFFD_EVENT_BYTES);
  const u64 = (at: number) => Number(view.getBigUint64(at, true));
  switch (view.getUint8(0)) {
    case 0x12:
      return { kind: "fault", address: u64(16) };
    case 0x13:
      return { kind: "fork", fd: view.getUint32(8, true) };
    case 0x14:
      return { kind: "remap", from: u64(8), to: u64(16), bytes: u64(24) };
    case 0x15:
      return { kind: "remove", start: u64(8), end: u64(16) };
    case 0x16:
      return { kind: "unmap", start: u64(8), end: u64(16) };
    default:
      return undefined;
  }
}

/**
 * How filling a range went.
 * - `filled`: all of it, and whoever waited for it goes on
 * - `there`: after `bytes` a page was there already
 * - `absent`: after `bytes` comes what is not, or no longer, to be filled
 * - `again`: after `bytes` an event has to be read first
 * - `gone`: the process has ended
 */
export interface Filling {
  readonly outcome: "filled" | "there" | "absent" | "again" | "gone";
  readonly bytes: number;
}

/** The arguments of a call, used over and over: no call outlives its function. */
const words = new Uint32Array(10);
const argument = new Uint8Array(words.buffer);

/**
 * Copies `bytes` from `source`, an address in this process, to `address` in the other one; both are of
 * whole pages.
 *
 * @throws SyscallError
 */
export function fillFrom(uffd: Fd, address: number, source: number, bytes: number): Filling {
  setWord(0, address);
  setWord(1, source);
  setWord(2, bytes);
  setWord(3, 0);
  setWord(4, 0);
  const expected = [Errno.EAGAIN, Errno.EEXIST, Errno.ENOENT, Errno.ESRCH, Errno.ENOSPC];
  const result = checkExcept("copy", expected, libc().ioctl(uffd.raw, UFFDIO_COPY, argument));
  return fillingOf(result, word(4), bytes);
}

/**
 * Fills a range with zero pages.
 *
 * @throws SyscallError
 */
export function fillWithZeros(uffd: Fd, address: number, bytes: number): Filling {
  setWord(0, address);
  setWord(1, bytes);
  setWord(2, 0);
  setWord(3, 0);
  const expected = [Errno.EAGAIN, Errno.EEXIST, Errno.ENOENT, Errno.ESRCH, Errno.ENOSPC];
  const result = checkExcept("zero", expected, libc().ioctl(uffd.raw, UFFDIO_ZEROPAGE, argument));
  return fillingOf(result, word(3), bytes);
}

/**
 * Lets whoever waits for a page in the range try again; a process that has ended has nobody.
 *
 * @throws SyscallError
 */
export function wake(uffd: Fd, address: number, bytes: number): void {
  setWord(0, address);
  setWord(1, bytes);
  const expected = [Errno.EINVAL, Errno.ENOENT, Errno.ESRCH];
  checkExcept("wake", expected, libc().ioctl(uffd.raw, UFFDIO_WAKE, argument));
}

/**
 * Leaves the range to the kernel from now on.
 *
 * @throws SyscallError; not for one that is gone, or whose process is
 */
export function unregister(uffd: Fd, address: number, bytes: number): void {
  setWord(0, address);
  setWord(1, bytes);
  const expected = [Errno.ENOMEM, Errno.EINVAL, Errno.ESRCH];
  checkExcept("unregister", expected, libc().ioctl(uffd.raw, UFFDIO_UNREGISTER, argument));
}

/**
 * Which of the descriptors have something to be read, or have broken.
 *
 * @param blockForMs How long to stand still for one; for ever when negative.
 */
export function readableAmong(fds: readonly Fd[], blockForMs: number): number[] {
  const table = new Int32Array(fds.length * 2);
  fds.forEach((fd, index) => {
    table[index * 2] = fd.raw;
    table[index * 2 + 1] = POLLIN;
  });
  const expected = [Errno.EINTR];
  checkExcept(
    "poll",
    expected,
    libc().poll(new Uint8Array(table.buffer), BigInt(fds.length), blockForMs),
  );
  return fds.flatMap((_, index) => ((table[index * 2 + 1] ?? 0) >>> 16) === 0 ? [] : [index]);
}

/** events in the low, revents in the high 16 bits of the second word of `struct pollfd`. */
const POLLIN = 0x1;

function fillingOf(
  result: number | { readonly errno: number },
  filled: number,
  wanted: number,
): Filling {
  if (typeof result === "number") return { outcome: "filled", bytes: wanted };
  // The kernel says how far it came, or the error of the first page.
  const bytes = filled > 0 && filled <= wanted ? filled : 0;
  switch (result.errno) {
    case Errno.ESRCH:
    case Errno.ENOSPC:
      return { outcome: "gone", bytes };
    case Errno.EEXIST:
      return { outcome: "there", bytes };
    case Errno.ENOENT:
      return { outcome: "absent", bytes };
    default:
      // Cut short: by a page that is there, by the end of what is registered, or by an event.
      return { outcome: "again", bytes };
  }
}

/** A 64-bit number, without a bigint: this is done for every page. Negative ones come out as 0. */
function word(index: number): number {
  const high = words[index * 2 + 1] ?? 0;
  return high >= TWO_32 / 2 ? 0 : high * TWO_32 + (words[index * 2] ?? 0);
}

function setWord(index: number, value: number): void {
  words[index * 2] = value % TWO_32;
  words[index * 2 + 1] = Math.floor(value / TWO_32);
}
