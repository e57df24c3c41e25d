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
export type ConvergenceParts = Pick<PhaulConfig, "budget" | "limits" | "observer">;

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
    this.#samples.push(sample);
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

  #missed(reason: StopReason): Verdict {
    const { budget } = this.#parts;
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
