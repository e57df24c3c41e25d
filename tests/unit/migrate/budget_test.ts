import { assertEquals } from "@std/assert";
import { judgeBudget } from "../../../src/migrate/budget.ts";

const LIMITS = { maxIterations: 6, minPages: 64, maxGrowthPercent: 10 };
const BUDGET = { maxDowntimeMs: 300, onMiss: "proceed" } as const;

/** The verdict after pre-dumps with those forecasts, each of which wrote many pages. */
function judge(forecastsMs: readonly number[], pagesWritten = forecastsMs.map(() => 10_000)) {
  const verdict = judgeBudget({ forecastsMs, pagesWritten }, LIMITS, BUDGET);
  return "reason" in verdict ? `${verdict.kind}: ${verdict.reason}` : verdict.kind;
}

Deno.test("judgeBudget: switches over as soon as it fits", () => {
  assertEquals(judge([900, 301]), "iterate");
  assertEquals(judge([900, 300]), "switch-over: fits-budget");
  assertEquals(judge([120]), "switch-over: fits-budget");
});

Deno.test("judgeBudget: iterates while it improves, whatever the pages do", () => {
  assertEquals(judge([900, 800, 700], [100, 500, 900]), "iterate");
});

Deno.test("judgeBudget: one iteration that is no better may be chance, two are not", () => {
  assertEquals(judge([900, 700, 710]), "iterate");
  assertEquals(judge([900, 700, 710, 650]), "iterate");
  assertEquals(judge([900, 700, 710, 690]), "miss: not-improving");
});

Deno.test("judgeBudget: the limit of iterations holds", () => {
  assertEquals(judge([900, 800, 700, 600, 500, 400]), "miss: iteration-limit");
  assertEquals(judge([900, 800, 700, 600, 500, 299]), "switch-over: fits-budget");
});

Deno.test("judgeBudget: few pages are the best there is", () => {
  assertEquals(judge([900, 500], [10_000, 64]), "miss: few-pages");
});

Deno.test("judgeBudget: before any pre-dump there is nothing to judge", () => {
  assertEquals(judge([]), "iterate");
});
