/**
 * A migration that failed, and where that leaves the process.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { ProcessTree } from "../proc/mod.ts";
import type { Whereabouts } from "./events.ts";
import { withKeptLog } from "./evidence.ts";
import type { MigrateOptions } from "./options.ts";
import type { SourceOutcome } from "./source_parts.ts";

/** A migration that did not end with the tree on the destination. */
export class MigrationError extends PhaulError {
  override readonly name = "MigrationError";
  /** Where the process tree is now. */
  readonly whereabouts: Whereabouts;

  constructor(cause: PhaulError, whereabouts: Whereabouts) {
    const { code, message, remedy, evidence } = cause;
    super(code, message, { remedy, cause, evidence });
    this.whereabouts = whereabouts;
  }
}

/** Why a migration that came to `outcome` did not move the tree, and where that is. */
export function failureOf(
  outcome: SourceOutcome,
  { pid, stateDir }: MigrateOptions,
): MigrationError {
  const unknown = new PhaulError("internal", "Cannot say why it failed");
  const error = withKeptLog(outcome.error ?? unknown, stateDir);
  if (outcome.state === "in-doubt") return new MigrationError(error, "in-doubt");
  const whereabouts = whereaboutsOf(pid);
  if (whereabouts === "source") return new MigrationError(error, whereabouts);
  const gone = new PhaulError(
    "process-gone",
    `Cannot migrate process ${pid}: it ended by itself before the switchover`,
    { cause: error },
  );
  return new MigrationError(gone, whereabouts);
}

/** Before the commit the tree is either here or ended by itself. */
export function whereaboutsOf(pid: number): Whereabouts {
  try {
    using tree = ProcessTree.open(pid);
    return tree.processes.length > 0 ? "source" : "gone";
  } catch {
    return "gone";
  }
}
