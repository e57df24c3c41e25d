/**
 * TCP connections of a process tree.
 *
 * @module
 */

import { type Descriptor, inodeOf } from "./descriptors.ts";
import type { TreeProcess } from "./listing.ts";
import { listNumbers, PROC_ROOT, readLink, readText } from "./procfs.ts";

/** States of /proc/net/tcp that CRIU dumps without being told so: TCP_CLOSE and TCP_LISTEN. */
const HARMLESS_STATES = ["07", "0A"];

/** A TCP connection as its packets show it; an IPv4 address inside IPv6 is written as IPv4. */
export interface Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** What of a descriptor tells that it is a socket, and whose. */
type Socket = Pick<Descriptor, "pid" | "fd" | "target">;

/** A connection of a tree and the descriptor that stands for it: the first of them, when there are more. */
export interface HeldConnection extends Connection {
  readonly pid: number;
  readonly fd: number;
}

/** The packets of a connection in one direction. */
export interface Flow {
  readonly from: string;
  readonly fromPort: number;
  readonly to: string;
  readonly toPort: number;
}

/** The packets of both directions: out of this host, then into it. */
export function flowsOf(
  { localAddress, localPort, remoteAddress, remotePort }: Connection,
): [outgoing: Flow, incoming: Flow] {
  return [
    { from: localAddress, fromPort: localPort, to: remoteAddress, toPort: remotePort },
    { from: remoteAddress, fromPort: remotePort, to: localAddress, toPort: localPort },
  ];
}

/** One line of /proc/net/tcp or tcp6. */
interface TcpSocket extends Connection {
  readonly state: string;
  readonly inode: string;
}

/** The TCP connections among `descriptors`, each once; listening and closed sockets are none. */
export function findConnections(
  descriptors: readonly Socket[],
  procRoot: string = PROC_ROOT,
): HeldConnection[] {
  const tables = new Map<string, Map<string, TcpSocket>>();
  const seen = new Set<string>();
  return descriptors.flatMap((descriptor) => {
    const inode = inodeOf(descriptor, "socket");
    if (inode === undefined || seen.has(inode)) return [];
    const { pid, fd } = descriptor;
    // Each network namespace has its own table; a process of the tree may have its own namespace.
    const namespace = readLink(`${procRoot}/${pid}/ns/net`) ?? `${pid}`;
    const table = tables.get(namespace) ?? readTables(pid, procRoot);
    tables.set(namespace, table);
    const socket = table.get(inode);
    if (socket === undefined || HARMLESS_STATES.includes(socket.state)) return [];
    seen.add(inode);
    const { localAddress, localPort, remoteAddress, remotePort } = socket;
    return [{ localAddress, localPort, remoteAddress, remotePort, pid, fd }];
  });
}

/** The TCP connections of the tree, each once. */
export function listConnections(
  processes: readonly TreeProcess[],
  procRoot: string = PROC_ROOT,
): HeldConnection[] {
  // Without what else can be known of a descriptor: the tree may be frozen meanwhile.
  const sockets = processes.flatMap(({ pid }) =>
    listNumbers(`${procRoot}/${pid}/fd`).map((fd) => {
      return { pid, fd, target: readLink(`${procRoot}/${pid}/fd/${fd}`) ?? "" };
    })
  );
  return findConnections(sockets, procRoot);
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
    const [localAddress, localPort] = parseEndpoint(local);
    const [remoteAddress, remotePort] = parseEndpoint(remote);
    return [{ localAddress, localPort, remoteAddress, remotePort, state, inode }];
  });
}

/** `0100007F:1F90` as 127.0.0.1 and 8080: words of 32 bits in the machine's order, the port in plain hex. */
function parseEndpoint(text: string): [address: string, port: number] {
  const [address = "", port = ""] = text.split(":");
  const words = address.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => word.match(/../g)?.toReversed() ?? []);
  return [formatAddress(bytes), parseInt(port, 16)];
}

function formatAddress(bytes: readonly string[]): string {
  if (bytes.length === 4) return ipv4(bytes);
  if (bytes.slice(0, 12).join("") === "00000000000000000000FFFF") return ipv4(bytes.slice(12));
  const groups = bytes.join("").toLowerCase().match(/.{4}/g) ?? [];
  const text = groups.join(":");
  // URL shortens an IPv6 address as everybody writes it; what is none stays as it is.
  return URL.parse(`http://[${text}]`)?.hostname.slice(1, -1) ?? text;
}

function ipv4(bytes: readonly string[]): string {
  return bytes.map((byte) => parseInt(byte, 16)).join(".");
}

/** `ADDRESS:PORT`, an IPv6 address in brackets. */
export function formatEndpoint(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
