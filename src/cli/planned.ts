/**
 * A plan, for a person.
 *
 * @module
 */

import type { HostAddress } from "../haul/options.ts";
import type { PlannedIteration, PlanReport } from "../haul/plan.ts";
import { showAddress } from "./describe.ts";
import { count, showBytes, showMs } from "./figures.ts";
import { table } from "./table.ts";

const PAGE_BYTES = 4096;
const HEAD = ["iteration", "copied", "took", "written per second", "switchover then"];

const REASONS: Readonly<Record<PlanReport["stopReason"], string>> = {
  "few-pages": "It converges: hardly anything is written any more",
  "fits-budget": "It converges: the switchover fits what is allowed",
  "not-improving": "More iterations do not shorten the switchover",
  "iteration-limit": "The limit of iterations was reached (--max-iters)",
  "not-converging": "It does not converge: the process writes faster than pages travel",
};

/** The lines on `report`. */
export function describePlan(report: PlanReport, peer: HostAddress): string[] {
  const { pid, iterations, stopReason, totalMs, switchoverMs, bytes } = report;
  return [
    `Process ${pid} to ${showAddress(peer)}: a plan only, it runs on here`,
    "",
    ...table([HEAD, ...iterations.map(rowOf)]),
    "",
    REASONS[stopReason],
    `A migration now: ${count(iterations.length, "pre-dump")}, ${showBytes(bytes)}, ` +
    `${showMs(totalMs)} in all`,
    ...verdictOf(report, `Predicted standstill: ${showMs(switchoverMs)}`),
  ];
}

function rowOf(one: PlannedIteration): string[] {
  const { iteration, bytes, durationMs, dirtyPagesPerSecond: rate, prediction } = one;
  return [
    String(iteration),
    showBytes(bytes),
    showMs(durationMs),
    rate === undefined ? "" : showBytes(Math.round(rate * PAGE_BYTES)),
    prediction === undefined ? "" : showMs(prediction.switchoverMs),
  ];
}

function verdictOf({ maxDowntimeMs, fits }: PlanReport, predicted: string): string[] {
  if (maxDowntimeMs === undefined) return [predicted];
  return [`${predicted}, ${fits ? "within" : "MORE THAN"} the ${showMs(maxDowntimeMs)} allowed`];
}
