/**
 * File locks of a process tree.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { Descriptor } from "./descriptors.ts";

/**
 * Refuses a tree that holds file locks. Read from fdinfo, as CRIU does: /proc/locks has no pid for
 * open file description locks and cannot tell who shares one.
 *
 * @throws PhaulError `file-locks`
 */
export function refuseLocks(rootPid: number, descriptors: readonly Descriptor[]): void {
  for (const { pid, fd, target, info } of descriptors) {
    const kind = /^lock:\s*\d+:\s*(\S+)/m.exec(info)?.[1];
    if (kind === undefined) continue;
    throw new PhaulError(
      "file-locks",
      `Cannot migrate process ${rootPid}: process ${pid} holds a lock (${kind}) on "${target}" ` +
        `by fd ${fd}`,
      {
        remedy: "Add --file-locks to have its locks taken again on the destination; only when " +
          "nobody outside the tree uses the file, since the lock is free in between",
      },
    );
  }
}
