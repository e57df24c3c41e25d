/**
 * Netlink sockets that CRIU refuses (its sk-netlink.c).
 *
 * @module
 */

import { type Descriptor, inodeOf } from "../proc/descriptors.ts";
import { type NetlinkSocket, netlinkSockets } from "../proc/sockets.ts";
import type { Finding } from "./finding.ts";

/** Netlink sockets of the tree that stand in the way, or do so at the moment. */
export function findNetlink(descriptors: readonly Descriptor[]): Finding[] {
  const holders = new Map<number, Descriptor>();
  for (const descriptor of descriptors) {
    const inode = Number(inodeOf(descriptor, "socket") ?? 0);
    if (inode !== 0 && !holders.has(inode)) holders.set(inode, descriptor);
  }
  if (holders.size === 0) return [];
  return netlinkSockets().flatMap((socket): Finding[] => {
    const holder = holders.get(socket.inode);
    if (holder === undefined) return [];
    return judgeNetlink(socket, `process ${holder.pid} has a netlink socket on fd ${holder.fd}`);
  });
}

/** What there is to say of one socket, which `what` names. */
export function judgeNetlink(
  { port, groups, unreadBytes }: Omit<NetlinkSocket, "inode">,
  what: string,
): Finding[] {
  const findings: Finding[] = [];
  if (groups.length > 0 && port === 0) {
    findings.push({
      code: "netlink",
      severity: "blocker",
      message: `${what} that has joined groups without an address, which CRIU cannot dump`,
      remedy: "Have the program bind it before it joins groups, or close it before it is moved",
    });
  } else if (groups.slice(1).some((word) => word !== 0)) {
    findings.push({
      code: "netlink",
      severity: "blocker",
      message: `${what} that has joined a group above the 32nd, which CRIU cannot dump`,
      remedy: "Have the program close it before it is moved",
    });
  }
  if (unreadBytes > 0) {
    findings.push({
      code: "netlink",
      severity: "warning",
      message: `${what} with ${unreadBytes} bytes that it has not read; CRIU cannot dump it so`,
      remedy: "Try again once the program has read them",
    });
  }
  return findings;
}
