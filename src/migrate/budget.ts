/**
 * When to switch over, where the operator has said how long that may take. Pure.
 *
 * @module
 */

import type { RestoreKind } from "./forecast.ts";
import type { IterationLimits, StopReason } from "./policy.ts";

/** What to do when no more iterating brings the switchover within the budget. */
export type OnMiss = "proceed" | "cancel" | "throttle";

/** How long the switchover may take, and what else then. */
export interface DowntimeBudget {
  readonly maxDowntimeMs: number;
  readonly onMiss: OnMiss;
  /** How the destination will restore; `eager` when not given. */
  readonly restore?: RestoreKind;
}

/** What the rule says after an iteration. */
export type BudgetVerdict =
  | { readonly kind: "iterate" }
  | { readonly kind: "switch-over"; readonly reason: "fits-budget" }
  | { readonly kind: "miss"; readonly reason: Exclude<StopReason, "fits-budget"> };

/** A forecast this much lower, in percent of the best one before, counts as better. */
const MIN_IMPROVEMENT_PERCENT = 3;
/** So many in a row that are no better: another one will not be either. One may be chance. */
const PATIENCE = 2;

/** What {@linkcode judgeBudget} looks at. */
export interface BudgetSeries {
  /** Pages written by each pre-dump so far, the oldest first; at least one. */
  readonly pagesWritten: readonly number[];
  /** The switchover as predicted after each of them, since the tree was slowed down last. */
  readonly forecastsMs: readonly number[];
}

/**
 * Decides after each pre-dump whether the switchover fits, may still come to fit, or will not.
 *
 * Growth between iterations is no matter here: a longer iteration that leads to a shorter switchover is
 * worth while.
 */
export function judgeBudget(
  { pagesWritten, forecastsMs }: BudgetSeries,
  limits: IterationLimits,
  { maxDowntimeMs }: DowntimeBudget,
): BudgetVerdict {
  const last = forecastsMs.at(-1);
  if (last === undefined) return { kind: "iterate" };
  if (last <= maxDowntimeMs) return { kind: "switch-over", reason: "fits-budget" };
  if ((pagesWritten.at(-1) ?? 0) <= limits.minPages) return { kind: "miss", reason: "few-pages" };
  if (pagesWritten.length >= limits.maxIterations) {
    return { kind: "miss", reason: "iteration-limit" };
  }
  if (sinceImproved(forecastsMs) >= PATIENCE) return { kind: "miss", reason: "not-improving" };
  return { kind: "iterate" };
}

/** How many forecasts came after the last one that was better than all before it. */
function sinceImproved(forecastsMs: readonly number[]): number {
  let best = Infinity;
  let since = 0;
  for (const forecast of forecastsMs) {
    const better = forecast < best * (1 - MIN_IMPROVEMENT_PERCENT / 100);
    since = better ? 0 : since + 1;
    best = Math.min(best, forecast);
  }
  return since;
}
