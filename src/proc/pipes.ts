/**
 * Pipes that lead out of a process tree.
 *
 * @module
 */

import { type Descriptor, inodeOf, isWriteOnly } from "./descriptors.ts";

/**
 * One warning for each pipe of which the tree has one end only. CRIU restores such a pipe, but with
 * nobody at the other end: a write to it ends the writer by SIGPIPE, a read sees the end of file.
 */
export function warnOfPipes(descriptors: readonly Descriptor[]): string[] {
  const ends = new Map<string, Descriptor[]>();
  for (const descriptor of descriptors) {
    const inode = inodeOf(descriptor, "pipe");
    if (inode !== undefined) ends.set(inode, [...ends.get(inode) ?? [], descriptor]);
  }
  return [...ends.values()].flatMap((users) => {
    const writers = users.filter(isWriteOnly).length;
    const user = users[0];
    if (user === undefined || (writers > 0 && writers < users.length)) return [];
    const [verb, effect] = writers > 0
      ? ["writes to", "writing to it fails (SIGPIPE) on the destination"]
      : ["reads from", "it reads as ended on the destination"];
    return `Process ${user.pid} ${verb} a pipe on fd ${user.fd} whose other end is outside the ` +
      `tree: ${effect}`;
  });
}
