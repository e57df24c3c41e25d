import { assertEquals, assertThrows } from "@std/assert";
import { evaluate } from "../../bench/evaluate.ts";
import type { Course } from "../../bench/figures.ts";

const MS = 1000;
const COURSE: Course = {
  beganUs: 1000 * MS,
  endedUs: 1500 * MS,
  iterations: [
    { beginUs: 1000 * MS, endUs: 1100 * MS, final: false },
    { beginUs: 1200 * MS, endUs: 1300 * MS, final: true },
  ],
  sentBytes: 2 ** 21,
};
const gap = (atMs: number, lengthMs: number) => ({ atUs: atMs * MS, lengthUs: lengthMs * MS });

Deno.test("evaluate: tells the downtime from stalls before and after it", () => {
  const found = evaluate(COURSE, [gap(1010, 5), gap(1050, 7), gap(1210, 150), gap(1400, 9)], 1);
  assertEquals(found.downtimeMs, 150);
  assertEquals(found.stallsMs, [7]);
  assertEquals(found.worstStallAfterMs, 9);
  assertEquals(found.afterDumpMs, 60);
  assertEquals(found.wallMs, 500);
  assertEquals(found.sentPerMemory, 2);
});

Deno.test("evaluate: leaves out what was before the beginning and long after the end", () => {
  const gaps = [gap(100, 800), gap(1210, 150), gap(2400, 90)];
  const found = evaluate(COURSE, gaps, 1);
  assertEquals([found.downtimeMs, found.worstStallAfterMs], [150, 0]);
  // While memory drains it is watched for longer.
  assertEquals(evaluate({ ...COURSE, drainMs: 200 }, gaps, 1).worstStallAfterMs, 90);
});

Deno.test("evaluate: a single dump shows what the way of the pages carries", () => {
  const only = { ...COURSE, iterations: COURSE.iterations.slice(1) };
  assertEquals(evaluate(only, [gap(1210, 150)], 1).pagesMbPerS, 20);
  assertEquals(evaluate(COURSE, [gap(1210, 150)], 1).pagesMbPerS, undefined);
});

Deno.test("evaluate: refuses a victim that never stood still", () => {
  assertThrows(() => evaluate(COURSE, [], 1), Error, "Cannot see");
});
