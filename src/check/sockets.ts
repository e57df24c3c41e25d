/**
 * Sockets that CRIU cannot take along: of protocols that it does not know, and unix sockets whose other
 * end stays behind.
 *
 * @module
 */

import { type Descriptor, inodeOf } from "../proc/descriptors.ts";
import { holdersOf, listSockets, type Socket, unixSocketsByInode } from "../proc/sockets.ts";
import type { Finding } from "./finding.ts";

/**
 * Protocols that CRIU dumps, by the kernel's names (CRIU's sockets.c and sk-inet.c; an AF_UNIX socket is
 * `UNIX` or `UNIX-STREAM`).
 */
const KNOWN = /^(UNIX|TCP|UDP|UDPLITE|UDP-Lite|RAW|PING|NETLINK|PACKET)(v6|-STREAM)?$/;

/** What sockets are looked at with. */
export interface SocketRules {
  readonly extUnixSk: boolean;
  /** CRIU's --external resources. */
  readonly external: readonly string[];
  /** Found already, by another rule. */
  readonly known: readonly Descriptor[];
  readonly procRoot: string;
}

/** Sockets of the tree that stand in the way. */
export function findSockets(descriptors: readonly Descriptor[], rules: SocketRules): Finding[] {
  const known = new Set(rules.known.map(({ target }) => target));
  const others = descriptors.filter(({ target }) => !known.has(target));
  const sockets = listSockets(others, rules.procRoot);
  return [...sockets.flatMap(findUnknown), ...findUnix(sockets, descriptors, rules)];
}

function findUnknown({ pid, fd, protocol }: Socket): Finding[] {
  if (protocol === undefined || KNOWN.test(protocol)) return [];
  return [{
    code: "socket-kind",
    severity: "blocker",
    message:
      `process ${pid} has a socket of protocol ${protocol} on fd ${fd}, which CRIU cannot dump`,
    remedy: protocol.startsWith("MPTCP")
      ? "Have the program speak plain TCP; for Go start it with GODEBUG=multipathtcp=0"
      : "Have the program close it before it is moved",
  }];
}

function findUnix(
  sockets: readonly Socket[],
  descriptors: readonly Descriptor[],
  rules: SocketRules,
): Finding[] {
  const own = sockets.filter(({ protocol }) => protocol?.startsWith("UNIX"));
  if (own.length === 0) return [];
  const inside = new Set(
    descriptors.map((descriptor) => Number(inodeOf(descriptor, "socket") ?? 0)),
  );
  const all = unixSocketsByInode();
  const outward = own.flatMap((socket) => {
    const { type, peerInode } = all.get(socket.inode) ?? {};
    if (peerInode === undefined || peerInode === 0 || inside.has(peerInode)) return [];
    if (rules.external.includes(`unix[${socket.inode}]`)) return [];
    return [{ socket, type, peerInode, name: all.get(peerInode)?.name }];
  });
  if (outward.length === 0) return [];
  const holders = holdersOf(new Set(outward.map(({ peerInode }) => peerInode)), rules.procRoot);
  return outward.map(({ socket: { pid, fd }, type, peerInode, name }): Finding => {
    const holder = holders.get(peerInode);
    const who = holder ? `process ${holder.pid} ("${holder.comm}")` : "the kernel or nobody";
    const at = name === undefined ? "" : ` at "${name}"`;
    const message = `process ${pid} is connected by a unix socket on fd ${fd} to ${who}${at}, ` +
      "outside the tree";
    // CRIU connects it to the same name again: only a datagram socket with a name can be.
    const named = type === "datagram" && name !== undefined;
    if (named && rules.extUnixSk) {
      return {
        code: "unix-peer",
        severity: "note",
        message,
        remedy: "It is connected to the same name on the destination",
      };
    }
    const remedy = named
      ? "Add --ext-unix-sk to have it connected to the same name on the destination"
      : "Move the other end as well (the root of both), or have the program close the connection";
    return { code: "unix-peer", severity: "blocker", message, remedy };
  });
}
