/**
 * Output that goes to systemd's journal.
 *
 * @module
 */

import { type Descriptor, inodeOf } from "../proc/descriptors.ts";
import type { TreeProcess } from "../proc/listing.ts";
import { readText } from "../proc/procfs.ts";
import type { Finding } from "./finding.ts";

/**
 * Descriptors that write to the journal: a stream connection to a process that stays behind, which
 * CRIU cannot dump, whatever it is told. systemd says in the environment which one it is.
 */
export function findJournalStreams(
  processes: readonly TreeProcess[],
  descriptors: readonly Descriptor[],
  procRoot: string,
): Descriptor[] {
  const streams = new Set(processes.map(({ pid }) => journalInode(pid, procRoot)));
  return descriptors.filter((descriptor) => {
    const inode = inodeOf(descriptor, "socket");
    return inode !== undefined && streams.has(inode);
  });
}

/** The finding for such descriptors, if there are any. */
export function findingOfJournal([writer]: readonly Descriptor[]): Finding[] {
  if (writer === undefined) return [];
  return [{
    code: "journal-stream",
    severity: "blocker",
    message: `process ${writer.pid} writes to the journal on fd ${writer.fd}, a connection that ` +
      "cannot be moved",
    remedy:
      "Have the service write elsewhere (StandardOutput=append:FILE or null, StandardError= " +
      "likewise), restart it, then move it",
  }];
}

/** `JOURNAL_STREAM=DEVICE:INODE`: of standard output or error as systemd started the service. */
function journalInode(pid: number, procRoot: string): string | undefined {
  const variables = readText(`${procRoot}/${pid}/environ`)?.split("\0") ?? [];
  const stream = variables.find((variable) => variable.startsWith("JOURNAL_STREAM="));
  return stream?.split(":")[1];
}
