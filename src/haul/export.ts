/**
 * A migration into a file.
 *
 * @module
 */

import type { EventSink, ExportSummary } from "./events.ts";
import { migrateTree } from "./migrate.ts";
import type { ExportOptions } from "./archive_options.ts";

/** Who a migration's options name when there is nobody. */
const NOBODY = {
  peer: { host: "", port: 0 },
  tokenFile: "",
  insecure: false,
  restoreMode: "eager",
} as const;

/**
 * Moves the process tree `options.pid` into the file `options.archive`, from which `restoreTree` brings it
 * to life. Until the file is whole and on the disk the tree is as it was, whatever fails; the file has its
 * name only once the tree has ended.
 *
 * @param signal Cancels, as long as the export is not committed.
 * @throws MigrationError saying where the tree is
 */
export async function exportTree(
  options: ExportOptions,
  sink: EventSink,
  signal: AbortSignal,
): Promise<ExportSummary> {
  const { archive } = options;
  const summary = await migrateTree({ ...options, ...NOBODY }, sink, signal);
  const { size: archiveBytes } = await Deno.stat(archive);
  return { ...summary, archive, archiveBytes };
}
