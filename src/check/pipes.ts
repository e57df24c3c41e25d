/**
 * Pipes that lead out of a process tree.
 *
 * @module
 */

import { type Descriptor, inodeOf, isWriteOnly } from "../proc/descriptors.ts";
import type { Finding } from "./finding.ts";

/**
 * Pipes of which the tree has one end only. CRIU restores such a pipe, but with nobody at the other
 * end: a write to it ends the writer by SIGPIPE, a read sees the end of file.
 */
export function findPipeEnds(descriptors: readonly Descriptor[]): Finding[] {
  const ends = new Map<string, Descriptor[]>();
  for (const descriptor of descriptors) {
    const inode = inodeOf(descriptor, "pipe");
    if (inode !== undefined) ends.set(inode, [...ends.get(inode) ?? [], descriptor]);
  }
  return [...ends.values()].flatMap((users): Finding[] => {
    const writers = users.filter(isWriteOnly).length;
    const user = users[0];
    if (user === undefined || (writers > 0 && writers < users.length)) return [];
    const [verb, effect] = writers > 0
      ? ["writes to", "writing to it fails (SIGPIPE) on the destination"]
      : ["reads from", "it reads as ended on the destination"];
    return [{
      code: "pipe-end",
      severity: "warning",
      message: `process ${user.pid} ${verb} a pipe on fd ${user.fd} whose other end is outside ` +
        `the tree: ${effect}`,
      remedy: "Start the program with a file, a socket or nothing in the place of that pipe",
    }];
  });
}
