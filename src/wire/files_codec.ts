/**
 * The messages about files as fields of proto/phaul.proto, and out of a peer's.
 *
 * @module
 */

import type { Fields } from "./fields.ts";
import { absolutePath, maxFiles, maxPathLength } from "./file_codec.ts";
import type { FileMoves } from "./files_messages.ts";

/** So many directories one migration may bring. */
export const maxTrees = 64;
/** Areas of the trees, and of the file systems on which open files go. */
export const maxAreas = 256;

/** Nothing when none move. Throws PhaulError `protocol`. */
export function readMoves(fields: Fields): { moves?: FileMoves } {
  const moves = fields.optionalInner("moves");
  if (moves === undefined) return {};
  const trees = moves.list("trees", maxTrees, (tree) => ({
    path: tree.text("path", maxPathLength, absolutePath),
    target: tree.text("target", maxPathLength, absolutePath),
  }));
  return { moves: { trees, open: moves.flag("open"), overwrite: moves.flag("overwrite") } };
}

/** Throws PhaulError `protocol`. */
export function readArea(fields: Fields): number {
  return fields.integer("area", 0, maxAreas - 1);
}

/** Throws PhaulError `protocol`. */
export function readWanted(fields: Fields): number[] {
  return fields.integers("areas", maxFiles, 0, maxAreas);
}
