import { assert, assertEquals, assertRejects } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { Convergence } from "../../../src/haul/convergence.ts";
import type { Prediction } from "../../../src/haul/events.ts";
import type { Verdict } from "../../../src/migrate/policy.ts";

const LIMITS = { maxIterations: 8, minPages: 64, maxGrowthPercent: 10 };

/** Pre-dumps that write so many pages each, at 100 pages a millisecond. */
async function run(convergence: Convergence, pages: readonly number[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  let nowMs = 0;
  for (const pagesWritten of pages) {
    const busyMs = pagesWritten / 100;
    const sample = { pagesWritten, dumpedAtMs: nowMs, busyMs };
    nowMs += busyMs;
    const verdict = await convergence.judge(sample, { nowMs, leadMs: 0 });
    verdicts.push(verdict);
    if (verdict.kind !== "iterate") break;
  }
  return verdicts;
}

Deno.test("Convergence: without a budget the limits decide, and nothing is predicted", async () => {
  const convergence = new Convergence({ limits: LIMITS });
  assertEquals((await run(convergence, [50_000, 8000, 9000])).at(-1), {
    ...{ kind: "switch-over", reason: "not-converging" },
  });
  assertEquals(convergence.forecast, undefined);
});

Deno.test("Convergence: each iteration is predicted, and the last forecast is kept", async () => {
  const told: Prediction[] = [];
  const convergence = new Convergence({
    limits: LIMITS,
    budget: { maxDowntimeMs: 300, onMiss: "proceed", restore: "lazy" },
    observer: { predicted: (prediction) => void told.push(prediction) },
  });
  const verdicts = await run(convergence, [50_000, 30_000, 15_000]);
  assertEquals(verdicts.at(-1), { kind: "switch-over", reason: "fits-budget" });
  assertEquals(told.map(({ iteration, fits }) => [iteration, fits]), [
    ...[[1, false], [2, false], [3, true]],
  ]);
  assertEquals(told.at(-1)?.switchoverMs, convergence.forecast?.switchoverMs);
});

Deno.test("Convergence: a missed budget proceeds, or ends the migration, as it was told", async () => {
  const stuck = [50_000, 40_000, 40_000, 40_000, 40_000];
  const budget = { maxDowntimeMs: 100, onMiss: "proceed" } as const;
  const verdicts = await run(new Convergence({ limits: LIMITS, budget }), stuck);
  assertEquals(verdicts.at(-1), { kind: "switch-over", reason: "not-improving" });
  const strict = new Convergence({ limits: LIMITS, budget: { ...budget, onMiss: "cancel" } });
  const error = await assertRejects(() => run(strict, stuck), PhaulError);
  assertEquals(error.code, "over-budget");
  assert(/within 100 ms: \d+ ms are predicted/.test(error.message), error.message);
});
