/**
 * A CRIU that cannot even say why it failed.
 *
 * @module
 */

import { statfs } from "node:fs/promises";

/**
 * In CRIU's own words for it, that the file system of `path` is full; undefined when it is not. Where no
 * byte or no file more can be written CRIU's log ends before the reason, or there is none.
 */
export async function noRoomAt(path: string): Promise<string | undefined> {
  try {
    const dir = path.slice(0, path.lastIndexOf("/")) || "/";
    const { bavail, files, ffree } = await statfs(dir);
    // Some file systems make inodes as they need them, and say that they have none.
    const full = bavail === 0 || files > 0 && ffree === 0;
    return full ? `No space left in "${dir}"` : undefined;
  } catch {
    return undefined;
  }
}
