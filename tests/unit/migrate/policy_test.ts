import { assertEquals } from "@std/assert";
import { judgeIterations } from "../../../src/migrate/policy.ts";

const LIMITS = { maxIterations: 4, minPages: 64, maxGrowthPercent: 10 };

Deno.test("judgeIterations: the first pre-dump is never judged by its growth", () => {
  assertEquals(judgeIterations([1_000_000], LIMITS), { kind: "iterate" });
});

Deno.test("judgeIterations: at most minPages written ends pre-copy", () => {
  const verdict = { kind: "switch-over", reason: "few-pages" } as const;
  assertEquals(judgeIterations([1000, 64], LIMITS), verdict);
  assertEquals(judgeIterations([1000, 65], LIMITS), { kind: "iterate" });
  assertEquals(judgeIterations([12], LIMITS), verdict);
});

Deno.test("judgeIterations: growth beyond the limit ends pre-copy, growth up to it does not", () => {
  const verdict = { kind: "switch-over", reason: "not-converging" } as const;
  assertEquals(judgeIterations([5000, 1000, 1101], LIMITS), verdict);
  assertEquals(judgeIterations([5000, 1000, 1100], LIMITS), { kind: "iterate" });
  assertEquals(judgeIterations([1000, 1200], LIMITS), verdict);
});

Deno.test("judgeIterations: the number of pre-dumps is bounded", () => {
  const verdict = { kind: "switch-over", reason: "iteration-limit" } as const;
  assertEquals(judgeIterations([900, 800, 700, 600], LIMITS), verdict);
  assertEquals(judgeIterations([900], { ...LIMITS, maxIterations: 1 }), verdict);
});

Deno.test("judgeIterations: before any pre-dump there is nothing to judge", () => {
  assertEquals(judgeIterations([], LIMITS), { kind: "iterate" });
});
