/**
 * How a migration stands, for a person: whose the process is comes first.
 *
 * @module
 */

import type { Whereabouts } from "../haul/events.ts";
import type { MigrationStatus, Recovered } from "../haul/standing.ts";

/** The lines on one migration. */
export function describeStatus(one: MigrationStatus): string[] {
  return [head(one), `  ${owner(one.whereabouts, one)}`, `  ${progress(one)}`];
}

/** The lines on one migration after its recovery. */
export function describeRecovered(one: Recovered): string[] {
  const { error, settled, live } = one;
  const lines = [head(one), `  ${owner(one.whereabouts, one)}`];
  if (live && !settled) lines.push(`  ${progress(one)}`);
  if (error !== undefined) lines.push(`  ${error.message}`);
  if (error?.remedy !== undefined) lines.push(`  ${error.remedy}`);
  if (settled) lines.push("  Settled: nothing is left to do");
  return lines;
}

function head({ migration, side, comm, pid }: MigrationStatus): string {
  const name = comm === "" ? "a process" : comm;
  const process = pid === undefined ? name : `process ${pid} (${name})`;
  return `Migration ${migration}: ${process}, ${side} here`;
}

/** The process's owner is the first thing to know. */
function owner(whereabouts: Whereabouts, { side, state }: MigrationStatus): string {
  const here = (which: string) => which === side ? "this host" : "the other host";
  switch (whereabouts) {
    case "source":
      return `The process is its source's: ${here("source")}`;
    case "destination":
      return `The process is its destination's: ${here("destination")}`;
    case "in-doubt":
      if (state === "stranded") {
        return `The process is its destination's and does not run: ${here("destination")}`;
      }
      if (state === "uncertain") {
        return `The process is its destination's and may not run: ${here("destination")}`;
      }
      return side === "destination"
        ? "Whose the process is, only its source knows"
        : "Whose the process is, is not known on this host";
    case "gone":
      return "The process has ended, or went with a restart of its host";
    default:
      throw new TypeError(`Unknown: ${whereabouts satisfies never}`);
  }
}

function progress({ migration, state, live, at, side }: MigrationStatus): string {
  const since = at === undefined ? "" : ` since ${at}`;
  const where = `State ${state}${since}`;
  if (live) return `${where}; a phaul works on it`;
  if (side === "destination" && ["CONTINUED", "running"].includes(state)) return `${where}; it ran`;
  if (state === "discarded") return `${where}; ended`;
  return `${where}; interrupted: phaul recover ${migration}`;
}
