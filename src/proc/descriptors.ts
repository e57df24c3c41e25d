/**
 * The open files of a process tree, as /proc/PID/fd and fdinfo tell.
 *
 * @module
 */

import type { TreeProcess } from "./listing.ts";
import { listNumbers, PROC_ROOT, readLink, readText } from "./procfs.ts";

const ACCESS_MODE = 0o3;
const WRITE_ONLY = 0o1;
const APPEND = 0o2000;

/** One open file of one process. */
export interface Descriptor {
  readonly pid: number;
  readonly fd: number;
  /** As the link reads: a path, `socket:[INODE]`, `pipe:[INODE]`, `anon_inode:...`. */
  readonly target: string;
  /** open(2)'s flags. */
  readonly flags: number;
  /** The text of fdinfo. */
  readonly info: string;
}

/** Every open file of every process of the tree; what closes meanwhile is left out. */
export function listDescriptors(
  processes: readonly TreeProcess[],
  procRoot: string = PROC_ROOT,
): Descriptor[] {
  return processes.flatMap(({ pid }) =>
    listNumbers(`${procRoot}/${pid}/fd`).flatMap((fd) => {
      const target = readLink(`${procRoot}/${pid}/fd/${fd}`);
      const info = readText(`${procRoot}/${pid}/fdinfo/${fd}`);
      if (target === undefined || info === undefined) return [];
      const flags = parseInt(/^flags:\s*([0-7]+)/m.exec(info)?.[1] ?? "0", 8);
      return [{ pid, fd, target, flags, info }];
    })
  );
}

/** The inode of a socket or pipe; undefined when the descriptor is none. */
export function inodeOf(
  { target }: Pick<Descriptor, "target">,
  type: "socket" | "pipe",
): string | undefined {
  const match = /^(socket|pipe):\[(\d+)\]$/.exec(target);
  return match?.[1] === type ? match[2] : undefined;
}

/** True when it was opened for writing only. */
export function isWriteOnly({ flags }: Descriptor): boolean {
  return (flags & ACCESS_MODE) === WRITE_ONLY;
}

/** True for a log that is only ever appended to: the one open file whose size CRIU leaves unchecked. */
export function isAppendOnly(descriptor: Descriptor): boolean {
  return isWriteOnly(descriptor) && (descriptor.flags & APPEND) !== 0;
}
