/**
 * What an export and a restore say to a person, where that is not what a migration says.
 *
 * @module
 */

import type {
  ExportSummary,
  HaulEvent,
  MigrationSummary,
  RestoreSummary,
  Whereabouts,
} from "../haul/events.ts";
import { describe, type Line } from "./describe.ts";
import { count, showBytes, showMs } from "./figures.ts";
import { describeIterations } from "./summary.ts";

/** The line for an event of an export. */
export function describeExporting(event: HaulEvent): Line {
  switch (event.event) {
    case "connected":
      return line(`Writing to ${event.peer}.partial`);
    case "prepared":
      return line("Prepared: the archive is on the disk, whole, and was read back");
    case "committed":
      return line("Committed: the process will not run here again");
    case "running":
      return line("The archive has its name");
    case "drained":
      return { kind: "none" };
    default:
      return describe(event);
  }
}

/** The line for an event of a restore. */
export function describeRestoring(event: HaulEvent): Line {
  switch (event.event) {
    case "prepared":
      return line("Prepared: the process is restored, and held");
    case "committed":
      return line("Committed: from here on it may run");
    case "running":
      return line(`Running, as process ${event.pid ?? "unknown"} of this host`);
    case "drained":
      return { kind: "none" };
    default:
      return describe(event);
  }
}

/** Whether a summary is that of an export. */
export function isExport(summary: MigrationSummary): summary is ExportSummary {
  return "archive" in summary;
}

/** Where the process is now and what it took, first. */
export function describeExport(pid: number, summary: ExportSummary): string[] {
  const { archive, archiveBytes, bytes, totalMs, switchoverMs } = summary;
  return [
    `Process ${pid} is in ${archive} now (${showBytes(archiveBytes)}, of ${
      showBytes(bytes)
    }), and ` +
    `no longer on this host: written in ${showMs(totalMs)}, frozen for the last ` +
    `${showMs(switchoverMs)}`,
    ...describeIterations(summary),
    `To bring it to life, here or elsewhere, once: phaul restore ${archive}`,
  ];
}

/** What a restore came to. */
export function describeRestore(summary: RestoreSummary): string {
  const { archive, pid, comm, processes, memoryBytes, totalMs } = summary;
  return `Process ${pid} (${comm}) runs on this host now: restored from ${archive} in ` +
    `${showMs(totalMs)}, ${count(processes, "process", "processes")}, ${showBytes(memoryBytes)}`;
}

/** The first line of the report of an export that failed. */
export function describeExportWhereabouts(
  where: Whereabouts,
  pid: number,
  archive: string,
): string {
  switch (where) {
    case "source":
      return `Process ${pid} is on this host, as before; there is no archive`;
    case "destination":
      return `Process ${pid} is in ${archive}, and no longer on this host`;
    case "in-doubt":
      return `Process ${pid} no longer runs on this host; ${archive}.partial holds it, whole`;
    case "gone":
      return `Process ${pid} is neither on this host nor in an archive`;
    default:
      throw new TypeError(`Unknown: ${where satisfies never}`);
  }
}

function line(text: string): Line {
  return { kind: "line", text };
}
