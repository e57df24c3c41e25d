/**
 * The sockets of a process tree, whatever they speak.
 *
 * @module
 */

import {
  listNetlinkSockets,
  listUnixSockets,
  type NetlinkSocket,
  socketProtocol,
  type UnixSocket,
} from "../sys/mod.ts";
import { SyscallError } from "../errors.ts";
import { type Descriptor, inodeOf } from "./descriptors.ts";
import { listNumbers, PROC_ROOT, readLink, readStat } from "./procfs.ts";

export type { NetlinkSocket } from "../sys/mod.ts";

/** A socket and the first descriptor of the tree that stands for it. */
export interface Socket {
  readonly pid: number;
  readonly fd: number;
  readonly inode: number;
  /** The kernel's name: `TCP`, `UDPv6`, `UNIX-STREAM`, `NETLINK`...; undefined when it tells none. */
  readonly protocol?: string;
}

/** The sockets among `descriptors`, each once. */
export function listSockets(
  descriptors: readonly Descriptor[],
  procRoot: string = PROC_ROOT,
): Socket[] {
  const sockets = new Map<number, Socket>();
  for (const descriptor of descriptors) {
    const inode = Number(inodeOf(descriptor, "socket") ?? 0);
    if (inode === 0 || sockets.has(inode)) continue;
    const { pid, fd } = descriptor;
    const protocol = socketProtocol(`${procRoot}/${pid}/fd/${fd}`);
    sockets.set(inode, { pid, fd, inode, ...(protocol === undefined ? {} : { protocol }) });
  }
  return [...sockets.values()];
}

/** The unix sockets of this host by inode; none where the kernel does not tell. */
export function unixSocketsByInode(): Map<number, UnixSocket> {
  return new Map(told(listUnixSockets).map((socket) => [socket.inode, socket]));
}

/** The netlink sockets of this host; none where the kernel does not tell. */
export function netlinkSockets(): NetlinkSocket[] {
  return told(listNetlinkSockets);
}

function told<T>(list: () => T[]): T[] {
  try {
    return list();
  } catch (error) {
    if (error instanceof SyscallError) return [];
    throw error;
  }
}

/** A process, to be told of. */
export interface Holder {
  readonly pid: number;
  readonly comm: string;
}

/** Who has `inodes` open, one process for each; those that this one may not look at are left out. */
export function holdersOf(
  inodes: ReadonlySet<number>,
  procRoot: string = PROC_ROOT,
): Map<number, Holder> {
  const holders = new Map<number, Holder>();
  for (const pid of listNumbers(procRoot)) {
    if (holders.size === inodes.size) break;
    for (const inode of socketsOf(pid, procRoot)) {
      if (!inodes.has(inode) || holders.has(inode)) continue;
      holders.set(inode, { pid, comm: readStat(pid, procRoot)?.comm ?? "?" });
    }
  }
  return holders;
}

function socketsOf(pid: number, procRoot: string): number[] {
  try {
    return listNumbers(`${procRoot}/${pid}/fd`).flatMap((fd) => {
      const target = readLink(`${procRoot}/${pid}/fd/${fd}`) ?? "";
      return Number(inodeOf({ target }, "socket") ?? 0) || [];
    });
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return [];
    throw error;
  }
}
