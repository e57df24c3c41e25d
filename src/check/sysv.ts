/**
 * System V objects of a tree: CRIU takes them along with an IPC namespace of the tree's own, and only
 * then.
 *
 * @module
 */

import type { TreeProcess } from "../proc/listing.ts";
import { PROC_ROOT, readLink, readText } from "../proc/procfs.ts";
import { sysvUses } from "../proc/sysv.ts";
import type { Finding } from "./finding.ts";

const REMEDY = "Start the program by: unshare --ipc --fork PROGRAM";

/** What System V objects of this host's IPC namespace the tree uses. */
export function findSysV(processes: readonly TreeProcess[], procRoot: string): Finding[] {
  const ours = readLink(`${PROC_ROOT}/self/ns/ipc`);
  const sharing = processes.map(({ pid }) => pid)
    .filter((pid) => readLink(`${procRoot}/${pid}/ns/ipc`) === ours);
  return [...findMemory(sharing, procRoot), ...findObjects(sharing, procRoot)];
}

function findMemory(pids: readonly number[], procRoot: string): Finding[] {
  const attached = pids.filter((pid) =>
    / \/SYSV[0-9a-f]+/.test(readText(`${procRoot}/${pid}/maps`) ?? "")
  );
  return attached.map((pid) => ({
    code: "sysv-memory",
    severity: "blocker",
    message: `process ${pid} has System V shared memory, which CRIU dumps only with an IPC ` +
      "namespace of its own",
    remedy: REMEDY,
  }));
}

/** Of these CRIU says nothing: it would leave them behind, and the program find them gone. */
function findObjects(pids: readonly number[], procRoot: string): Finding[] {
  return sysvUses(pids, procRoot).map(({ pid, kind, id }) => ({
    code: "sysv-object",
    severity: "blocker",
    message: `process ${pid} was the last to use the System V ${kind} ${id}, which stays on ` +
      "this host without an IPC namespace of the tree's own",
    remedy: `${REMEDY}; if it needs that ${kind} no more, add --skip-check sysv-object`,
  }));
}
