/**
 * Decides after each pre-dump whether another one follows: by the limits alone, or by a downtime budget.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { judgeBudget } from "../migrate/budget.ts";
import { type Forecast, forecastSwitchover, type IterationSample } from "../migrate/forecast.ts";
import {
  DEFAULT_LIMITS,
  judgeIterations,
  type StopReason,
  type Verdict,
} from "../migrate/policy.ts";
import type { PhaulConfig } from "./config.ts";

/** What a convergence looks at and tells. */
export type ConvergenceParts = Pick<PhaulConfig, "budget" | "limits" | "observer" | "throttle">;

/** When the next dump would be asked for, if it were decided now. */
export interface Moment {
  readonly nowMs: number;
  /** What passes between a decision and the dump that it leads to. */
  readonly leadMs: number;
}

/** The course of one pre-copy. */
export class Convergence {
  readonly #parts: ConvergenceParts;
  readonly #samples: IterationSample[] = [];
  #forecasts: Forecast[] = [];
  #throttled = false;
  /** How long the last pre-dump before the tree was slowed down froze it. */
  #frozenMs: number | undefined;

  constructor(parts: ConvergenceParts) {
    this.#parts = parts;
  }

  /** The last forecast; none without a budget. */
  get forecast(): Forecast | undefined {
    return this.#forecasts.at(-1);
  }

  /**
   * Takes in a pre-dump and decides.
   *
   * @throws PhaulError `over-budget` when the budget is missed and that is to end the migration
   */
  async judge(sample: IterationSample, moment: Moment): Promise<Verdict> {
    this.#samples.push(this.#atFullSpeed(sample));
    const { budget } = this.#parts;
    if (!budget) return judgeIterations(this.#pages, this.#limits);
    await this.#predict(moment);
    const verdict = judgeBudget(
      { pagesWritten: this.#pages, forecastsMs: this.#forecasts.map((f) => f.switchoverMs) },
      this.#limits,
      budget,
    );
    return verdict.kind === "miss" ? this.#missed(verdict.reason) : verdict;
  }

  get #pages(): number[] {
    return this.#samples.map(({ pagesWritten }) => pagesWritten);
  }

  get #limits() {
    return this.#parts.limits ?? DEFAULT_LIMITS;
  }

  async #predict({ nowMs, leadMs }: Moment): Promise<void> {
    const { budget, observer } = this.#parts;
    if (!budget) return;
    const options = { freezeAtMs: nowMs + leadMs, restore: budget.restore };
    const forecast = forecastSwitchover(this.#samples, options);
    this.#forecasts.push(forecast);
    const { maxDowntimeMs } = budget;
    const fits = forecast.switchoverMs <= maxDowntimeMs;
    const iteration = this.#samples.length;
    await observer?.predicted?.({ iteration, ...forecast, maxDowntimeMs, fits });
  }

  /**
   * What CRIU has the tree itself do is as slow as the tree; the final dump will not be. A slower tree
   * has written less, so at full speed it would not have been frozen for longer than before.
   */
  #atFullSpeed(sample: IterationSample): IterationSample {
    if (!this.#throttled) {
      this.#frozenMs = sample.frozenMs;
      return sample;
    }
    const { frozenMs, busyMs, ...same } = sample;
    const slowMs = Math.max(0, (frozenMs ?? 0) - (this.#frozenMs ?? 0));
    return { ...same, busyMs: Math.max(0, busyMs - slowMs) };
  }

  /** Where writing less would shorten the switchover enough, if it came to nothing. */
  get #throttleHelps(): boolean {
    const { budget } = this.#parts;
    const last = this.forecast;
    if (budget?.onMiss !== "throttle" || !last) return false;
    return last.switchoverMs - last.copyMs < budget.maxDowntimeMs;
  }

  async #missed(reason: StopReason): Promise<Verdict> {
    const { budget, throttle } = this.#parts;
    const helps = reason !== "few-pages" && this.#throttleHelps;
    if (helps && await throttle?.slower() !== undefined) {
      this.#throttled = true;
      // What comes now is measured against the best that there was without this step.
      this.#forecasts = this.#forecasts.slice(-1);
      return { kind: "iterate" };
    }
    if (budget?.onMiss !== "cancel") return { kind: "switch-over", reason };
    const predictedMs = Math.round(this.forecast?.switchoverMs ?? 0);
    throw new PhaulError(
      "over-budget",
      `Cannot switch over within ${budget.maxDowntimeMs} ms: ${predictedMs} ms are predicted after ` +
        `${this.#samples.length} pre-dumps (${reason})`,
      {
        remedy: "Allow more with --max-downtime, take it as it is with --on-miss proceed, or " +
          "migrate when the process writes less",
      },
    );
  }
}
