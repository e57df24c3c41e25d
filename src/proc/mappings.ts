/**
 * Files that processes change through memory.
 *
 * @module
 */

import type { TreeProcess } from "./listing.ts";
import { PROC_ROOT, readLink, readText } from "./procfs.ts";

/**
 * Files that the tree has mapped shared and writable: the kernel does not tell by their times when they
 * were written last.
 */
export function writableMappings(
  processes: readonly TreeProcess[],
  procRoot: string = PROC_ROOT,
): Set<string> {
  const paths = processes.flatMap(({ pid }) => {
    const lines = (readText(`${procRoot}/${pid}/maps`) ?? "").matchAll(
      /^([0-9a-f]+-[0-9a-f]+) .w.s /gm,
    );
    // The kernel writes the ranges of map_files without leading zeros.
    return Array.from(lines, ([, range = ""]) => {
      const [from = "", to = ""] = range.split("-").map((text) => text.replace(/^0+(?=.)/, ""));
      return readLink(`${procRoot}/${pid}/map_files/${from}-${to}`) ?? [];
    }).flat();
  });
  return new Set(paths.filter((path) => path.startsWith("/")));
}
