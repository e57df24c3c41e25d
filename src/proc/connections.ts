/**
 * TCP connections of a process tree.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { type Descriptor, inodeOf } from "./descriptors.ts";
import { PROC_ROOT, readLink, readText } from "./procfs.ts";

/** States of /proc/net/tcp that CRIU dumps without being told so: TCP_CLOSE and TCP_LISTEN. */
const HARMLESS_STATES = ["07", "0A"];

/** One line of /proc/net/tcp or tcp6. */
interface TcpSocket {
  readonly local: string;
  readonly remote: string;
  readonly state: string;
  readonly inode: string;
}

/**
 * Refuses a tree with a TCP connection, also when the tree has both its ends: CRIU refuses those too.
 *
 * @throws PhaulError `tcp-connection`
 */
export function refuseConnections(
  rootPid: number,
  descriptors: readonly Descriptor[],
  procRoot: string = PROC_ROOT,
): void {
  const tables = new Map<string, Map<string, TcpSocket>>();
  for (const descriptor of descriptors) {
    const inode = inodeOf(descriptor, "socket");
    if (inode === undefined) continue;
    // Each network namespace has its own table; a process of the tree may have its own namespace.
    const namespace = readLink(`${procRoot}/${descriptor.pid}/ns/net`) ?? `${descriptor.pid}`;
    const table = tables.get(namespace) ?? readTables(descriptor.pid, procRoot);
    tables.set(namespace, table);
    const socket = table.get(inode);
    if (socket === undefined || HARMLESS_STATES.includes(socket.state)) continue;
    throw new PhaulError(
      "tcp-connection",
      `Cannot migrate process ${rootPid}: process ${descriptor.pid} holds the TCP connection ` +
        `${socket.local} - ${socket.remote} on fd ${descriptor.fd}`,
      {
        remedy: "Add --tcp-established to keep its connections (its address must move along), or " +
          "--tcp-close to have them closed on the destination",
      },
    );
  }
}

function readTables(pid: number, procRoot: string): Map<string, TcpSocket> {
  const text = ["tcp", "tcp6"].map((name) => readText(`${procRoot}/${pid}/net/${name}`) ?? "");
  return new Map(text.flatMap(parseTcpTable).map((socket) => [socket.inode, socket]));
}

/** Parses /proc/net/tcp or tcp6. */
export function parseTcpTable(text: string): TcpSocket[] {
  return text.split("\n").slice(1).flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [, local, remote, state] = fields;
    const inode = fields[9];
    if (local === undefined || remote === undefined || state === undefined || !inode) return [];
    return [{ local: formatAddress(local), remote: formatAddress(remote), state, inode }];
  });
}

/** `0100007F:1F90` as `127.0.0.1:8080`: words of 32 bits in the machine's order, the port in plain hex. */
function formatAddress(text: string): string {
  const [address = "", port = ""] = text.split(":");
  const words = address.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => word.match(/../g)?.toReversed() ?? []);
  const decimalPort = parseInt(port, 16);
  if (bytes.length === 4) return `${ipv4(bytes)}:${decimalPort}`;
  if (bytes.slice(0, 12).join("") === "00000000000000000000FFFF") {
    return `${ipv4(bytes.slice(12))}:${decimalPort}`;
  }
  const groups = bytes.join("").toLowerCase().match(/.{4}/g) ?? [];
  // URL shortens an IPv6 address as everybody writes it.
  return `${new URL(`http://[${groups.join(":")}]`).hostname}:${decimalPort}`;
}

function ipv4(bytes: readonly string[]): string {
  return bytes.map((byte) => parseInt(byte, 16)).join(".");
}
