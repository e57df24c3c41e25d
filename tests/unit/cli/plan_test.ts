import { assertEquals, assertStringIncludes } from "@std/assert";
import { describePlan } from "../../../src/cli/planned.ts";
import { readPlan } from "../../../src/cli/plan.ts";
import { runCli } from "../../../src/cli/run.ts";
import type { PlanReport } from "../../../src/haul/plan.ts";
import { fakeContext } from "./fakes.ts";

const REPORT: PlanReport = {
  pid: 4711,
  iterations: [
    { iteration: 1, final: false, pagesWritten: 16_384, bytes: 67_108_864, durationMs: 3100 },
    {
      ...{ iteration: 2, final: false, pagesWritten: 256, bytes: 1_048_576, durationMs: 84 },
      ...{ windowMs: 1000, dirtyPagesPerSecond: 256 },
    },
  ],
  stopReason: "not-improving",
  switchoverMs: 131.6,
  totalMs: 5200,
  bytes: 70_000_000,
};

async function run(report: PlanReport, ...args: string[]) {
  const context = fakeContext({ plan: () => Promise.resolve(report) });
  const code = await runCli(["plan", "--pid=4711", "--peer=dst", ...args], context);
  return { code, terminal: context.terminal };
}

Deno.test("readPlan: no hook runs, and nothing is kept", () => {
  const { options } = readPlan(["--pid=4711", "--peer=dst", "--max-downtime=300ms"]);
  assertEquals([options.maxDowntimeMs, options.keepImages], [300, false]);
  assertEquals("hook" in options && options.hook, undefined);
});

Deno.test("phaul plan: the exit code says whether it fits", async () => {
  const codes = await Promise.all(
    [{}, { maxDowntimeMs: 200, fits: true }, { maxDowntimeMs: 100, fits: false }].map((verdict) =>
      run({ ...REPORT, ...verdict }, "--json")
    ),
  );
  assertEquals(codes.map(({ code }) => code), [0, 0, 58]);
  assertEquals(codes[2]?.terminal.events.map(({ event, fits }) => [event, fits]), [
    ["planned", false],
  ]);
});

Deno.test("describePlan: each pre-dump, how fast memory is written, and the verdict", () => {
  const text = describePlan({ ...REPORT, maxDowntimeMs: 100, fits: false }, {
    host: "dst",
    port: 7284,
  }).join("\n");
  assertStringIncludes(text, "1.0 MiB");
  assertStringIncludes(text, "2 pre-dumps, 66.8 MiB, 5.2 s in all");
  assertStringIncludes(text, "Predicted standstill: 132 ms, MORE THAN the 100 ms allowed");
  assertStringIncludes(text, "it runs on here");
});
