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

/** A victim that writes as many pages as its CPU time lets it, and is slowed down on demand. */
function slowed(maxDowntimeMs: number) {
  const steps = [80, 60, 40, 20, 10];
  let percent = 100;
  const taken: number[] = [];
  const throttle = {
    slower: () => {
      const next = steps.shift();
      percent = next ?? percent;
      if (next !== undefined) taken.push(next);
      return Promise.resolve(next);
    },
    release: () => void (percent = 100),
  };
  const budget = { maxDowntimeMs, onMiss: "throttle", restore: "lazy" } as const;
  const convergence = new Convergence({ limits: LIMITS, budget, throttle });
  const iterate = async () => {
    let nowMs = 0;
    for (let k = 0; k < 100; k++) {
      const pagesWritten = k === 0 ? 50_000 : 400 * percent;
      const sample = { pagesWritten, dumpedAtMs: nowMs, busyMs: pagesWritten / 100 };
      nowMs += sample.busyMs;
      const verdict = await convergence.judge(sample, { nowMs, leadMs: 0 });
      if (verdict.kind !== "iterate") return { ...verdict, iterations: k + 1 };
    }
    throw new Error("it never ends");
  };
  return { iterate, taken };
}

Deno.test("Convergence: a missed budget slows the tree down no further than it takes", async () => {
  // 400 ms of copying at full speed.
  const { iterate, taken } = slowed(260);
  assertEquals((await iterate()).reason, "fits-budget");
  assertEquals(taken, [80, 60, 40]);
});

Deno.test("Convergence: at the last step it proceeds, and iterations have an end", async () => {
  const { iterate, taken } = slowed(52);
  const { reason, iterations } = await iterate();
  assert(reason !== "fits-budget" && iterations <= 20, `${reason} after ${iterations}`);
  assertEquals(taken, [80, 60, 40, 20, 10]);
});

Deno.test("Convergence: nothing is slowed down where writing less would not suffice", async () => {
  const { iterate, taken } = slowed(20);
  assertEquals((await iterate()).kind, "switch-over");
  assertEquals(taken, []);
});

Deno.test("Convergence: a tree that CRIU froze slowly only since it was slow is no slow host", async () => {
  const told: Prediction[] = [];
  const convergence = new Convergence({
    limits: { ...LIMITS, maxIterations: 2 },
    budget: { maxDowntimeMs: 300, onMiss: "throttle" },
    throttle: { slower: () => Promise.resolve(50), release: () => {} },
    observer: { predicted: (prediction) => void told.push(prediction) },
  });
  const sample = (dumpedAtMs: number, busyMs: number, frozenMs: number) => ({
    ...{ pagesWritten: 20_000, dumpedAtMs, busyMs, frozenMs },
  });
  await convergence.judge(sample(0, 500, 20), { nowMs: 500, leadMs: 0 });
  await convergence.judge(sample(500, 500, 20), { nowMs: 1000, leadMs: 0 });
  await convergence.judge(sample(1000, 1480, 1000), { nowMs: 2480, leadMs: 0 });
  const [, before, after] = told;
  assertEquals(after?.restoreMs, before?.restoreMs);
  assertEquals(after?.copyMs, before?.copyMs);
});
