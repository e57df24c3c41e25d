/**
 * Puts the report on a migration into a file.
 *
 * @module
 */

import { dirname } from "node:path";
import { PhaulError } from "../../errors.ts";
import type { HistoryEntry } from "../../haul/history.ts";

/**
 * Writes the page on `entry` to `path`, over what is there.
 *
 * @throws PhaulError `directory-unusable`
 */
export async function writeReport(entry: HistoryEntry, path: string): Promise<void> {
  const { loadAssets } = await import("./assets.ts");
  const { reportPage } = await import("./page.ts");
  const page = reportPage(entry, await loadAssets());
  try {
    await Deno.writeTextFile(path, page);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/**
 * Demands, before there is anything to report, that a file could be written there.
 *
 * @throws PhaulError `directory-unusable`
 */
export async function requireWritable(path: string): Promise<void> {
  try {
    const { isDirectory } = await Deno.stat(dirname(path));
    if (!isDirectory) throw new Error("Not a directory");
    if (await Deno.stat(path).then((found) => found.isDirectory, () => false)) {
      throw new Error("It is a directory");
    }
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function unwritable(path: string, cause: unknown): PhaulError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PhaulError("directory-unusable", `Cannot write the report "${path}": ${why}`, {
    remedy: "Name a file in a directory that exists, with --report",
    cause,
  });
}
