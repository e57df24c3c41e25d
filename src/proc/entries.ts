/**
 * Entries of directories that are moved about: by paths of which no part may be a symbolic link, so that
 * nobody can make phaul work elsewhere, and never over what is there.
 *
 * @module
 */

import { SyscallError } from "../errors.ts";
import { Errno, type Fd, makeDirectory, openDirectory, removeName, renameNew } from "../sys/mod.ts";

/** What tells one entry from another, also after it was renamed. */
export function entryKey(path: string): string | undefined {
  const info = lookAt(path);
  return info && `${info.dev}:${info.ino}`;
}

/** What lies at `path` itself: a symbolic link is not followed. Undefined when there is nothing. */
export function lookAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Renames what lies at `from` to `to`.
 *
 * @returns false when something lies there
 * @throws SyscallError ELOOP for a symbolic link on the way, EXDEV across file systems, ENOENT
 */
export function moveEntry(from: string, to: string): boolean {
  using source = openDirectory(parentOf(from));
  using target = openDirectory(parentOf(to));
  return renameNew(source, nameOf(from), target, nameOf(to));
}

/**
 * Makes the directory `path`, and those above it that are missing.
 *
 * @throws SyscallError ELOOP for a symbolic link on the way, ENOTDIR
 */
export function makeDirectories(path: string): void {
  using above = openOrMake(path);
  void above;
}

/** Removes the empty directory at `path`; one that is not empty, or is gone, is left. */
export function removeEmptyDirectory(path: string): void {
  try {
    using above = openDirectory(parentOf(path));
    removeName(above, nameOf(path), "directory");
  } catch (error) {
    const expected: readonly number[] = [Errno.ENOENT, Errno.ENOTEMPTY, Errno.EEXIST];
    if (!(error instanceof SyscallError) || !expected.includes(error.errno)) throw error;
  }
}

/** Removes what lies at `path`, which is no directory. */
export function removeEntry(path: string): void {
  using above = openDirectory(parentOf(path));
  removeName(above, nameOf(path), "other");
}

/** The directory that `path`, which is absolute and not the root, lies in. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** All directories above `path` and itself, the root left out: `/a`, `/a/b`. */
export function stepsTo(path: string): string[] {
  const names = path.split("/").filter((name) => name !== "");
  return names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function openOrMake(path: string): Fd {
  try {
    return openDirectory(path);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== Errno.ENOENT || path === "/") {
      throw error;
    }
  }
  using above = openOrMake(parentOf(path));
  makeDirectory(above, nameOf(path));
  return openDirectory(path);
}
