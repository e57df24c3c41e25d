/**
 * Netlink sockets that CRIU refuses (its sk-netlink.c).
 *
 * @module
 */

import { type Descriptor, inodeOf } from "../proc/descriptors.ts";
import { type NetlinkSocket, netlinkSockets } from "../proc/netlink.ts";
import type { Finding } from "./finding.ts";

/** Netlink sockets of the tree that stand in the way, or do so at the moment. */
export function findNetlink(descriptors: readonly Descriptor[], procRoot: string): Finding[] {
  const tables = new Map<number, ReadonlyMap<number, NetlinkSocket>>();
  const seen = new Set<number>();
  return descriptors.flatMap((descriptor): Finding[] => {
    const { pid, fd } = descriptor;
    const inode = Number(inodeOf(descriptor, "socket") ?? 0);
    if (inode === 0 || seen.has(inode)) return [];
    seen.add(inode);
    const table = tables.get(pid) ?? netlinkSockets(pid, procRoot);
    tables.set(pid, table);
    const socket = table.get(inode);
    return socket === undefined
      ? []
      : findIn(socket, `process ${pid} has a netlink socket on fd ${fd}`);
  });
}

function findIn({ port, groups, unreadBytes }: NetlinkSocket, what: string): Finding[] {
  if (groups !== 0 && port === 0) {
    return [{
      code: "netlink",
      severity: "blocker",
      message: `${what} that has joined groups without an address, which CRIU cannot dump`,
      remedy: "Have the program bind it before it joins groups, or close it before it is moved",
    }];
  }
  if (unreadBytes === 0) return [];
  return [{
    code: "netlink",
    severity: "warning",
    message: `${what} with ${unreadBytes} bytes that it has not read; CRIU cannot dump it so`,
    remedy: "Try again once the program has read them",
  }];
}
