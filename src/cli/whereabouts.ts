/**
 * Where the process is after a migration that failed: the first thing an operator needs to know.
 *
 * @module
 */

import type { Whereabouts } from "../haul/events.ts";

/** What the failure of a migration carries; the type of `MigrationError` without loading the role. */
interface Located {
  readonly whereabouts: Whereabouts;
}

/** Where the process is, as far as `error` tells; undefined when it does not speak of a process. */
export function whereaboutsOf(error: unknown): Whereabouts | undefined {
  return isLocated(error) ? error.whereabouts : undefined;
}

function isLocated(error: unknown): error is Located {
  return error instanceof Error && "whereabouts" in error;
}

/** The first line of the report of a migration that failed. */
export function describeWhereabouts(where: Whereabouts, pid: number, peer: string): string {
  switch (where) {
    case "source":
      return `Process ${pid} is on this host, as before`;
    case "destination":
      return `Process ${pid} runs on ${peer} and no longer on this host`;
    case "in-doubt":
      return `Process ${pid} no longer runs on this host; whether it runs on ${peer} is not known`;
    case "gone":
      return `Process ${pid} runs neither on this host nor on ${peer}`;
    default:
      throw new TypeError(`Unknown: ${where satisfies never}`);
  }
}
