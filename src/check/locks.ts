/**
 * File locks of a process tree.
 *
 * @module
 */

import type { Descriptor } from "../proc/descriptors.ts";
import type { Finding } from "./finding.ts";

/**
 * Locks and leases that the tree holds. Read from fdinfo, as CRIU does: /proc/locks has no pid for
 * open file description locks and cannot tell who shares one.
 */
export function findLocks(descriptors: readonly Descriptor[], allowed: boolean): Finding[] {
  return descriptors.flatMap(({ pid, fd, target, info }): Finding[] => {
    const kind = /^lock:\s*\d+:\s*(\S+)/m.exec(info)?.[1];
    if (kind === undefined) return [];
    return [{
      code: "file-lock",
      severity: allowed ? "note" : "blocker",
      message: `process ${pid} holds a lock (${kind}) on "${target}" by fd ${fd}`,
      remedy: allowed
        ? "It is taken again on the destination; nobody outside the tree may use the file meanwhile"
        : "Add --file-locks to have its locks taken again on the destination; only when " +
          "nobody outside the tree uses the file, since the lock is free in between",
    }];
  });
}
