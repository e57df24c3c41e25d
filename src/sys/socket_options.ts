/**
 * Options of sockets that are one `int`.
 *
 * @module
 */

import type { Fd } from "./fd.ts";
import { IntCell } from "./layouts.ts";
import { libc } from "./libc.ts";
import { check } from "./syscall.ts";

const INT_BYTES = 4;

/** What an option says now; throws SyscallError. */
export function readOption(socket: Fd, level: number, name: number): number {
  const value = new IntCell();
  const length = new IntCell(INT_BYTES);
  check("getsockopt", libc().getsockopt(socket.raw, level, name, value.bytes, length.bytes));
  return value.value;
}

/** Sets an option; throws SyscallError. */
export function writeOption(socket: Fd, level: number, name: number, value: number): void {
  const { bytes } = new IntCell(value);
  check("setsockopt", libc().setsockopt(socket.raw, level, name, bytes, INT_BYTES));
}
