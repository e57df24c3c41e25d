/**
 * What phaul needs of the host it runs on: root, directories, room.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

/**
 * Demands root.
 *
 * @throws PhaulError `not-root`
 */
export function requireRoot(operation: string): void {
  if (Deno.uid() === 0) return;
  throw new PhaulError("not-root", `Cannot ${operation}: phaul runs as user ${Deno.uid()}`, {
    remedy: "Run it as root, for example with sudo",
  });
}

/** Makes sure that `path` is a private directory of ours that can be written. */
export function ensureDirectory(_path: string): Promise<void> {
  throw new PhaulError("internal", "Not written yet");
}

/** True when `path` lies on tmpfs (or ramfs). */
export function isTmpfs(_path: string): Promise<boolean> {
  throw new PhaulError("internal", "Not written yet");
}

/** Bytes that can be written below `path`. */
export function freeBytes(_path: string): Promise<number> {
  throw new PhaulError("internal", "Not written yet");
}
