/**
 * The one place where a failed call becomes an exception.
 *
 * @module
 */

import { SyscallError } from "../errors.ts";
import { errnoName } from "./errno.ts";
import { libc } from "./libc.ts";

/** The {@linkcode SyscallError} of a call that failed with `errno`. */
export function syscallError(call: string, errno: number): SyscallError {
  return new SyscallError(call, errno, errnoName(errno));
}

/**
 * Passes on what a synchronous call returned, unless that is -1. It must be given the result directly
 * (`check("close", libc().close(fd))`): any call in between could overwrite errno.
 *
 * @param call the name for the message, with what it was about where that helps: `open '/x'`
 * @throws SyscallError with the thread's errno
 */
export function check(call: string, result: number | bigint): number {
  if (Number(result) === -1) throw syscallError(call, lastErrno());
  return Number(result);
}

/**
 * As {@linkcode check}, but an expected failure is a value.
 *
 * @returns the result; `{ errno }` when the call failed with one of `expected`
 * @throws SyscallError on every other failure
 */
export function checkExcept(
  call: string,
  expected: readonly number[],
  result: number | bigint,
): number | { readonly errno: number } {
  if (Number(result) !== -1) return Number(result);
  const errno = lastErrno();
  if (expected.includes(errno)) return { errno };
  throw syscallError(call, errno);
}

/**
 * For functions that return an address, or `failed`.
 *
 * @throws SyscallError with the thread's errno
 */
export function checkPointer(
  call: string,
  failed: bigint,
  result: Deno.PointerValue,
): Deno.PointerObject {
  if (result === null || Deno.UnsafePointer.value(result) === failed) {
    throw syscallError(call, lastErrno());
  }
  return result;
}

/**
 * For functions that return an error number and leave errno alone, as posix_spawn does.
 *
 * @throws SyscallError when `code` is not 0
 */
export function checkCode(call: string, code: number): void {
  if (code !== 0) throw syscallError(call, code);
}

function lastErrno(): number {
  const location = libc().__errno_location();
  if (location === null) throw new Error("Cannot read errno: it has no location");
  return new Deno.UnsafePointerView(location).getInt32();
}
