/**
 * Memory that CRIU cannot take along.
 *
 * @module
 */

import type { TreeProcess } from "../proc/listing.ts";
import { readLink, readText } from "../proc/procfs.ts";
import type { Finding } from "./finding.ts";

/** Mappings of one process of each kind that stands in the way. */
export function findMemory(processes: readonly TreeProcess[], procRoot: string): Finding[] {
  return processes.flatMap(({ pid }) => {
    const maps = readText(`${procRoot}/${pid}/maps`) ?? "";
    return [...findSysV(pid, maps, procRoot), ...findUprobes(pid, maps)];
  });
}

function findSysV(pid: number, maps: string, procRoot: string): Finding[] {
  if (!/ \/SYSV[0-9a-f]+/.test(maps)) return [];
  // With an IPC namespace of its own the segments are dumped with that.
  const own = readLink(`${procRoot}/${pid}/ns/ipc`);
  if (own !== readLink("/proc/self/ns/ipc")) return [];
  return [{
    code: "sysv-memory",
    severity: "blocker",
    message: `process ${pid} has System V shared memory, which CRIU dumps only with an IPC ` +
      "namespace of its own",
    remedy: "Start the program by: unshare --ipc --fork PROGRAM",
  }];
}

function findUprobes(pid: number, maps: string): Finding[] {
  if (!maps.includes("[uprobes]")) return [];
  return [{
    code: "uprobes",
    severity: "blocker",
    message: `process ${pid} has been probed (uprobes) by a tracing tool`,
    remedy: "End the tracing tool, and restart the program before it is moved",
  }];
}
