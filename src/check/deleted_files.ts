/**
 * Files that the tree has open or mapped and that have no name any more.
 *
 * @module
 */

import type { Descriptor } from "../proc/descriptors.ts";
import type { TreeProcess } from "../proc/listing.ts";
import { listNames, readLink, statOf } from "../proc/procfs.ts";
import type { Finding } from "./finding.ts";

const DELETED = " (deleted)";
/** Memory, whatever its links look like: CRIU takes it along as such. */
const MEMORY = /^\/(memfd:|SYSV|dev\/zero \(deleted\)|anon_hugepage|\[aio\])/;
/** `stat` counts in blocks of so many bytes, whatever the file system's are. */
const BLOCK_BYTES = 512;
/** CRIU's own default of --ghost-limit. */
const DEFAULT_GHOST_LIMIT_BYTES = 2 ** 20;

/** What the operator allowed. */
export interface DeletedRules {
  readonly linkRemap: boolean;
  readonly ghostLimitBytes?: number;
  readonly procRoot: string;
}

/** Deleted files, each once: they travel inside the images up to a size; a second name needs a flag. */
export function findDeleted(
  processes: readonly TreeProcess[],
  descriptors: readonly Descriptor[],
  rules: DeletedRules,
): Finding[] {
  const { procRoot } = rules;
  const seen = new Set<string>();
  const links = [
    ...descriptors.map(({ pid, fd, target }) => ({ link: `${procRoot}/${pid}/fd/${fd}`, target })),
    ...processes.flatMap(({ pid }) => mapped(`${procRoot}/${pid}/map_files`)),
    ...processes.flatMap(({ pid }) => linked(`${procRoot}/${pid}/exe`)),
  ];
  return links.flatMap(({ link, target }): Finding[] => {
    if (!target.endsWith(DELETED) || MEMORY.test(target)) return [];
    const info = statOf(link);
    if (info === undefined || !info.isFile) return [];
    const identity = `${info.dev}:${info.ino}`;
    if (seen.has(identity)) return [];
    seen.add(identity);
    const path = target.slice(0, -DELETED.length);
    return info.nlink === 0 ? ghost(path, info, rules) : remapped(path, rules);
  });
}

function ghost(path: string, info: Deno.FileInfo, rules: DeletedRules): Finding[] {
  const bytes = (info.blocks ?? 0) * BLOCK_BYTES;
  const limit = rules.ghostLimitBytes ?? DEFAULT_GHOST_LIMIT_BYTES;
  if (bytes <= limit) {
    const message = `the deleted file "${path}" (${bytes} bytes) travels inside the images`;
    return [{ code: "deleted-file", severity: "note", message }];
  }
  return [{
    code: "deleted-file",
    severity: "blocker",
    message: `the deleted file "${path}" takes ${bytes} bytes, more than the ${limit} that may ` +
      "travel inside the images",
    remedy: `Add --ghost-limit ${Math.ceil(bytes / 2 ** 20)}M`,
  }];
}

function remapped(path: string, { linkRemap }: DeletedRules): Finding[] {
  const message = `"${path}" was deleted or replaced, and the file has another name still`;
  if (linkRemap) return [{ code: "link-remap", severity: "note", message }];
  return [{ code: "link-remap", severity: "blocker", message, remedy: "Add --link-remap" }];
}

function mapped(directory: string): { link: string; target: string }[] {
  return listNames(directory).flatMap((name) => linked(`${directory}/${name}`));
}

function linked(link: string): { link: string; target: string }[] {
  const target = readLink(link);
  return target === undefined ? [] : [{ link, target }];
}
