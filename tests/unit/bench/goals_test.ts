import { assertEquals } from "@std/assert";
import { reachedGoals } from "../../bench/goals.ts";
import type { Baseline, Result } from "../../bench/figures.ts";
import { figures, result } from "./results.ts";

const of = (what: string, results: readonly Result[], baselines: readonly Baseline[]) =>
  reachedGoals({ commands: [], results, baselines }).filter(({ goal }) => goal.what.includes(what))
    .map(({ value, kept }) => ({ value, kept }));

Deno.test("reachedGoals: a ratio of two contestants, kept or not", () => {
  const floor = result("floor", "writer-16", 100);
  const wanted = "writer-16: downtime of phaul-eager over";
  assertEquals(of(wanted, [floor, result("phaul-eager", "writer-16", 120)], []), [
    { value: 1.2, kept: true },
  ]);
  assertEquals(of(wanted, [floor, result("phaul-eager", "writer-16", 130)], []), [
    { value: 1.3, kept: false },
  ]);
});

Deno.test("reachedGoals: of several runs the middle one counts", () => {
  const runs = [90, 500, 110].map((ms) => result("phaul-eager", "writer-16", ms));
  const found = of("writer-16: downtime of phaul-eager over", [
    result("floor", "writer-16", 100),
    ...runs,
  ], []);
  assertEquals(found, [{ value: 1.1, kept: true }]);
});

Deno.test("reachedGoals: what nobody ran is not kept and not broken", () => {
  const found = reachedGoals({
    commands: [],
    results: [result("phaul-eager", "writer-16", 1)],
    baselines: [],
  });
  assertEquals(found.map(({ kept }) => kept), found.map(() => undefined));
});

Deno.test("reachedGoals: the page path is compared with a connection of the same ground", () => {
  const run = result("phaul", "idle-2048", 5000, {
    ...{ ground: "this host", place: "host", figures: figures(5000, { pagesMbPerS: 600 }) },
  });
  const baselines = [{ ground: "this host", tcpMbPerS: 1000 }];
  assertEquals(of("TLS on", [run], baselines), [{ value: 0.6, kept: true }]);
});
