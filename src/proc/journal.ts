/**
 * Output that goes to systemd's journal.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { type Descriptor, inodeOf } from "./descriptors.ts";
import type { TreeProcess } from "./listing.ts";
import { PROC_ROOT, readText } from "./procfs.ts";

/**
 * Refuses a tree that writes to the journal: a stream connection to a process that stays behind, which
 * CRIU cannot dump, whatever it is told. systemd says in the environment which one it is.
 *
 * @throws PhaulError `external-socket`
 */
export function refuseJournal(
  processes: readonly TreeProcess[],
  descriptors: readonly Descriptor[],
  procRoot: string = PROC_ROOT,
): void {
  const streams = new Set(processes.map(({ pid }) => journalInode(pid, procRoot)));
  const writer = descriptors.find((descriptor) => {
    const inode = inodeOf(descriptor, "socket");
    return inode !== undefined && streams.has(inode);
  });
  if (writer === undefined) return;
  throw new PhaulError(
    "external-socket",
    `Cannot migrate process ${
      processes[0]?.pid
    }: process ${writer.pid} writes to the journal on fd ` +
      `${writer.fd}, a connection that cannot be moved`,
    {
      remedy:
        "Have the service write elsewhere (StandardOutput=append:FILE or null, StandardError= " +
        "likewise), restart it, then move it",
    },
  );
}

/** `JOURNAL_STREAM=DEVICE:INODE`: of standard output or error as systemd started the service. */
function journalInode(pid: number, procRoot: string): string | undefined {
  const variables = readText(`${procRoot}/${pid}/environ`)?.split("\0") ?? [];
  const stream = variables.find((variable) => variable.startsWith("JOURNAL_STREAM="));
  return stream?.split(":")[1];
}
