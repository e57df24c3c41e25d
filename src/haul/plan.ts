/**
 * `phaul plan`: real pre-dumps to the real destination, and nothing moves.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import type { EventSink, HaulEvent, IterationFigures, Prediction } from "./events.ts";
import { withKeptLog } from "./evidence.ts";
import { attempt } from "./migrate.ts";
import { MigrationError, whereaboutsOf } from "./migration_error.ts";
import type { MigrateOptions, PlanOptions } from "./options.ts";
import { PLAN_MADE } from "./plan_made.ts";
import { Stages } from "./stages.ts";
import type { StopReason } from "../migrate/policy.ts";

/** One pre-dump of a plan. */
export interface PlannedIteration extends IterationFigures {
  /** From the begin of the one before to that of this one, in milliseconds; absent for the first. */
  readonly windowMs?: number;
  /** Pages that were written in that time, a second; absent for the first. */
  readonly dirtyPagesPerSecond?: number;
  /** What the switchover would have taken after it. */
  readonly prediction?: Prediction;
}

/** What a plan came to. */
export interface PlanReport {
  readonly pid: number;
  readonly iterations: readonly PlannedIteration[];
  /** Why no further pre-dump would help, or is allowed. */
  readonly stopReason: StopReason;
  /** The switchover, if it came now: downtime, in milliseconds. */
  readonly switchoverMs: number;
  /** All of a migration: what the pre-dumps took, and the switchover. */
  readonly totalMs: number;
  /** Bytes of the pre-dumps and, as predicted, of the final dump. */
  readonly bytes: number;
  readonly maxDowntimeMs?: number;
  /** The switchover takes no longer than allowed; absent where nothing was said of that. */
  readonly fits?: boolean;
}

const PAGE_BYTES = 4096;

/**
 * Copies memory ahead as a migration would, and predicts the rest. The tree stays, and runs on.
 *
 * @throws MigrationError what a migration would be refused with; `feature-missing` where no memory can be
 * copied ahead, so that there is nothing to predict from
 */
export async function plan(
  options: PlanOptions,
  sink: EventSink,
  signal: AbortSignal,
): Promise<PlanReport> {
  const begun = performance.now();
  const migration = crypto.getRandomValues(new Uint8Array(16)).toHex();
  const notes = new Notes();
  const stages = new Stages({
    sink: (event) => {
      notes.take(event);
      sink(event);
    },
    side: "source",
    migration,
  });
  stages.pid = options.pid;
  try {
    const outcome = await attempt(asMigration(options), migration, stages, signal, true);
    if (outcome.error !== PLAN_MADE) {
      throw outcome.error ?? new PhaulError("internal", "Cannot say why the plan failed");
    }
    return report(options, notes, performance.now() - begun);
  } catch (error) {
    const failure = withKeptLog(asPhaulError(error), options.stateDir);
    throw new MigrationError(failure, whereaboutsOf(options.pid));
  }
}

/** Where nothing is said of a limit, none is met: so it iterates for as long as that helps. */
function asMigration(options: PlanOptions): MigrateOptions {
  const { maxDowntimeMs = 0, skippedChecks = [] } = options;
  return {
    ...options,
    mode: "pre-copy",
    budget: { maxDowntimeMs, onMiss: "proceed" },
    // Nothing leaves this host, so nothing is started in its place.
    skippedChecks: [...skippedChecks, "supervised"],
  };
}

function report(options: PlanOptions, notes: Notes, elapsedMs: number): PlanReport {
  const { iterations, stopReason } = notes;
  const last = iterations.at(-1)?.prediction;
  if (last === undefined || stopReason === undefined) {
    throw new PhaulError(
      "feature-missing",
      "Cannot plan: this kernel cannot track dirty memory (CONFIG_MEM_SOFT_DIRTY), so that all " +
        "memory would be copied while the process is frozen",
      { remedy: "Boot a kernel that can, as Debian's, or migrate by --mode stop-and-copy" },
    );
  }
  const { switchoverMs, dirtyPages } = last;
  const copied = iterations.reduce((sum, { bytes }) => sum + bytes, 0);
  const { pid, maxDowntimeMs } = options;
  return {
    ...{ pid, iterations, stopReason, switchoverMs },
    totalMs: elapsedMs + switchoverMs,
    bytes: copied + dirtyPages * PAGE_BYTES,
    ...(maxDowntimeMs === undefined ? {} : { maxDowntimeMs, fits: switchoverMs <= maxDowntimeMs }),
  };
}

/** Puts together what the events tell of each iteration. */
class Notes {
  readonly iterations: PlannedIteration[] = [];
  stopReason: StopReason | undefined;
  #begunMs: number | undefined;
  #windowMs: number | undefined;

  take(event: HaulEvent): void {
    switch (event.event) {
      case "iteration-begin": {
        const nowMs = performance.now();
        this.#windowMs = this.#begunMs === undefined ? undefined : nowMs - this.#begunMs;
        this.#begunMs = nowMs;
        return;
      }
      case "iteration-end": {
        const { event: _, migration: _id, ...figures } = event;
        this.iterations.push({ ...figures, ...this.#rate(figures) });
        return;
      }
      case "predicted": {
        const { event: _, migration: _id, ...prediction } = event;
        const last = this.iterations.pop();
        if (last) this.iterations.push({ ...last, prediction });
        return;
      }
      case "converged":
        this.stopReason = event.reason;
    }
  }

  #rate({ pagesWritten }: IterationFigures) {
    const windowMs = this.#windowMs;
    if (windowMs === undefined) return {};
    return { windowMs, dirtyPagesPerSecond: pagesWritten / (windowMs / 1000) };
  }
}
