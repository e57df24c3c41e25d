/**
 * Directories by descriptor, and names in them: what was checked stays what is meant, whatever somebody
 * does to the path meanwhile.
 *
 * @module
 */

import { Errno } from "./errno.ts";
import { Fd } from "./fd.ts";
import { cString } from "./layouts.ts";
import { libc } from "./libc.ts";
import { check, checkExcept } from "./syscall.ts";

/** The same on x86_64 and aarch64. */
const SYS_OPENAT2 = 437n;
const AT_FDCWD = -100;
const O_PATH = 0o10000000n;
const O_CLOEXEC = 0o2000000n;
/** Of x86_64 and aarch64, which differ. */
const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0o40000n : 0o200000n;
const RESOLVE_NO_SYMLINKS = 0x04n;
const RESOLVE_NO_MAGICLINKS = 0x02n;
/** `struct open_how`. */
const HOW_BYTES = 24;
const RENAME_NOREPLACE = 1;

/**
 * Opens the directory at an absolute path, of which no component may be a symbolic link. The caller owns
 * the descriptor, by which the directory can be named only (O_PATH).
 *
 * @throws SyscallError ELOOP for a symbolic link, ENOTDIR, ENOENT
 */
export function openDirectory(path: string): Fd {
  const how = new Uint8Array(HOW_BYTES);
  const view = new DataView(how.buffer);
  view.setBigUint64(0, O_PATH | O_CLOEXEC | O_DIRECTORY, true);
  view.setBigUint64(16, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, true);
  const { syscallOpenat2 } = libc();
  return Fd.own(
    check(
      `open directory '${path}'`,
      syscallOpenat2(SYS_OPENAT2, AT_FDCWD, cString(path), how, BigInt(HOW_BYTES)),
    ),
  );
}

/**
 * Renames `name` of one directory to `newName` of another, where there must be no such name yet.
 *
 * @returns false when there is one
 * @throws SyscallError EXDEV when they are on two file systems, ENOENT
 */
export function renameNew(from: Fd, name: string, to: Fd, newName: string): boolean {
  const renamed = libc().renameat2(
    from.raw,
    cString(name),
    to.raw,
    cString(newName),
    RENAME_NOREPLACE,
  );
  return checkExcept(`rename '${name}' to '${newName}'`, [Errno.EEXIST], renamed) === 0;
}

/**
 * Makes a directory of mode 0755 in another.
 *
 * @returns false when the name is taken
 * @throws SyscallError
 */
export function makeDirectory(within: Fd, name: string): boolean {
  const made = libc().mkdirat(within.raw, cString(name), 0o755);
  return checkExcept(`make directory '${name}'`, [Errno.EEXIST], made) === 0;
}

/**
 * Takes a name away: of an empty directory, or of anything else.
 *
 * @throws SyscallError ENOTEMPTY, ENOENT
 */
export function removeName(within: Fd, name: string, kind: "directory" | "other"): void {
  const flags = kind === "directory" ? AT_REMOVEDIR : 0;
  check(`remove '${name}'`, libc().unlinkat(within.raw, cString(name), flags));
}

const AT_REMOVEDIR = 0x200;
