/**
 * Probes that a tracing tool has put into a tree.
 *
 * @module
 */

import type { TreeProcess } from "../proc/listing.ts";
import { readText } from "../proc/procfs.ts";
import type { Finding } from "./finding.ts";

/** Processes of the tree that were probed. */
export function findUprobes(processes: readonly TreeProcess[], procRoot: string): Finding[] {
  const probed = processes.filter(({ pid }) =>
    readText(`${procRoot}/${pid}/maps`)?.includes("[uprobes]")
  );
  return probed.map(({ pid }) => ({
    code: "uprobes",
    severity: "blocker",
    message: `process ${pid} has been probed (uprobes) by a tracing tool`,
    remedy: "End the tracing tool, and restart the program before it is moved",
  }));
}
