/**
 * Files that a tree has open and that are deleted: they travel inside CRIU's images.
 *
 * @module
 */

import type { CriuFlags, FileStrategy } from "../options.ts";

/** Images lie in memory; what does not fit there ends the migration before the commit. */
const LIMIT_BYTES = 2 ** 30;

/** `options`, with room for deleted files where open files come along and nobody has said how large. */
export function allowingGhosts<
  T extends { readonly criu: CriuFlags; readonly fs?: readonly FileStrategy[] },
>(options: T): T {
  const isOpen = options.fs?.some(({ kind }) => kind === "open") ?? false;
  if (!isOpen || options.criu.ghostLimitBytes !== undefined) return options;
  return { ...options, criu: { ...options.criu, ghostLimitBytes: LIMIT_BYTES } };
}
