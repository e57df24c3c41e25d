/**
 * Opening files as descriptors that can be handed to a child.
 *
 * @module
 */

import { Errno } from "./errno.ts";
import { Fd } from "./fd.ts";
import { cString } from "./layouts.ts";
import { libc } from "./libc.ts";
import { check, checkExcept } from "./syscall.ts";

const O_CLOEXEC = 0o2000000;
const O_NOCTTY = 0o400;
const O_WRONLY = 0o1;
const O_RDWR = 0o2;
const O_CREAT = 0o100;
const O_TRUNC = 0o1000;
const O_APPEND = 0o2000;
const O_PATH = 0o10000000;

const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * `write` and `append` create the file with mode 0600, `update` creates it too and keeps what it holds;
 * `path` only names it (O_PATH).
 */
export type OpenMode = "read" | "write" | "append" | "update" | "path";

/**
 * Opens `path` close-on-exec. The caller owns the descriptor.
 *
 * @throws SyscallError, with the path in its message
 */
export function openFile(path: string, mode: OpenMode): Fd {
  const flags = O_CLOEXEC | O_NOCTTY | flagsOf(mode);
  return Fd.own(check(`open '${path}'`, libc().open(cString(path), flags, 0o600)));
}

/**
 * Takes the exclusive lock of an open file; it goes when the last descriptor for the same opening is
 * closed, also by the death of its holder.
 *
 * @returns false when another opening of the file has it
 * @throws SyscallError
 */
export function lockFile(file: Fd): boolean {
  const expected = [Errno.EAGAIN];
  return checkExcept("flock", expected, libc().flock(file.raw, LOCK_EX | LOCK_NB)) === 0;
}

/**
 * Writes all of `bytes` where `file` stands.
 *
 * @throws SyscallError
 */
export function writeAll(file: Fd, bytes: Uint8Array<ArrayBuffer>): void {
  for (let done = 0; done < bytes.length;) {
    const rest = bytes.subarray(done);
    done += check("write", libc().write(file.raw, rest, BigInt(rest.length)));
  }
}

function flagsOf(mode: OpenMode): number {
  switch (mode) {
    case "read":
      return 0;
    case "write":
      return O_WRONLY | O_CREAT | O_TRUNC;
    case "append":
      return O_WRONLY | O_CREAT | O_APPEND;
    case "update":
      return O_RDWR | O_CREAT;
    case "path":
      return O_PATH;
  }
}
