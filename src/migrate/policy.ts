/**
 * When to stop iterating: the rule that ends pre-copy. Pure: it sees page counts and nothing else.
 *
 * @module
 */

/** The limits of pre-copy; each is a flag of `phaul migrate`. */
export interface IterationLimits {
  /** Pre-dumps at most, at least 1. */
  readonly maxIterations: number;
  /** Few enough pages, of 4096 bytes: an iteration that wrote at most this many is the last. */
  readonly minPages: number;
  /** Growth over the previous iteration, in percent, beyond which iterating no longer helps. */
  readonly maxGrowthPercent: number;
}

/** The limits used where none are given. */
export const DEFAULT_LIMITS: IterationLimits = {
  maxIterations: 8,
  minPages: 64,
  maxGrowthPercent: 10,
};

/** Why pre-copy ended. */
export type StopReason =
  | "few-pages"
  | "not-converging"
  | "iteration-limit"
  | "fits-budget"
  | "not-improving";

/** What the rule says after an iteration. */
export type Verdict =
  | { readonly kind: "iterate" }
  | { readonly kind: "switch-over"; readonly reason: StopReason };

/**
 * Decides after each pre-dump whether another one is worth while.
 *
 * The first pre-dump carries all memory, so it is never judged by its growth: comparing it with
 * nothing would end pre-copy at once.
 *
 * @param pagesWritten Pages written by each pre-dump so far, the oldest first, shared memory
 * included; at least one.
 */
export function judgeIterations(
  pagesWritten: readonly number[],
  limits: IterationLimits = DEFAULT_LIMITS,
): Verdict {
  const last = pagesWritten.at(-1);
  if (last === undefined) return { kind: "iterate" };
  if (last <= limits.minPages) return { kind: "switch-over", reason: "few-pages" };
  const previous = pagesWritten.at(-2);
  if (previous !== undefined && last > previous * (1 + limits.maxGrowthPercent / 100)) {
    return { kind: "switch-over", reason: "not-converging" };
  }
  if (pagesWritten.length >= limits.maxIterations) {
    return { kind: "switch-over", reason: "iteration-limit" };
  }
  return { kind: "iterate" };
}
