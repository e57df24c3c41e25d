/**
 * The netlink sockets of a network namespace, as /proc/PID/net/netlink tells.
 *
 * @module
 */

import { readText } from "./procfs.ts";

/** One netlink socket. */
export interface NetlinkSocket {
  /** Its address; 0 when it is bound to none. */
  readonly port: number;
  /** The first 32 of the groups that it joined, as bits. */
  readonly groups: number;
  /** What the kernel accounts for messages that wait in it. */
  readonly unreadBytes: number;
}

/** The netlink sockets of the network namespace of `pid`, by inode. */
export function netlinkSockets(pid: number, procRoot: string): Map<number, NetlinkSocket> {
  const [, ...rows] = (readText(`${procRoot}/${pid}/net/netlink`) ?? "").trim().split("\n");
  return new Map(rows.map((row) => {
    const [, , port, groups, unread, , , , , inode] = row.trim().split(/\s+/);
    return [Number(inode), {
      port: Number(port),
      groups: Number.parseInt(groups ?? "0", 16),
      unreadBytes: Number(unread),
    }];
  }));
}
