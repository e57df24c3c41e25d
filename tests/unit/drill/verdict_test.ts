import { assert, assertEquals } from "@std/assert";
import type { Tick } from "../../../vm/witness.ts";
import { type Findings, judge } from "../../drill/verdict.ts";

/** Numbers `first` to `last` of one host, a tick every 10 ms, the first one at `fromMs`. */
function counted(host: string, first: number, last: number, fromMs: number): Tick[] {
  return Array.from({ length: last - first + 1 }, (_, index) => ({
    ...{ workload: "w", host, pid: 1, sequence: first + index, timeMs: fromMs + index * 10 },
  }));
}

const MOVED = [...counted("alpha", 1, 50, 0), ...counted("beta", 51, 90, 2_000)];

function findings(changes: Partial<Findings>): Findings {
  return { ticks: MOVED, expected: "one", running: ["beta"], left: [], ...changes };
}

Deno.test("judge: one copy after the other, no number missing, passes", () => {
  assertEquals(judge(findings({})), { copies: 1, troubles: [] });
});

Deno.test("judge: numbers that both hosts sent are two copies", () => {
  const ticks = [...counted("alpha", 1, 60, 0), ...counted("beta", 51, 90, 500)];
  const { copies, troubles } = judge(findings({ ticks }));
  assertEquals(copies, 2);
  assert(troubles.length > 0);
});

Deno.test("judge: a lower number after a higher one is two copies", () => {
  const ticks = [...counted("alpha", 1, 50, 0), ...counted("beta", 51, 90, -900)];
  assertEquals(judge(findings({ ticks })).copies, 2);
});

Deno.test("judge: copies that run on both hosts are two, also when the witness saw but one", () => {
  const { copies, troubles } = judge(findings({ running: ["alpha", "beta"] }));
  assertEquals(copies, 2);
  assert(troubles.some((text) => text.includes("alpha and beta")));
});

Deno.test("judge: a gap in the numbers fails", () => {
  const ticks = [...counted("alpha", 1, 50, 0), ...counted("beta", 53, 90, 2_000)];
  const { troubles } = judge(findings({ ticks }));
  assert(troubles.some((text) => text.includes("51 to 52")), troubles.join());
});

Deno.test("judge: no copy in the end fails, unless the fault was to end it", () => {
  const ticks = counted("alpha", 1, 50, 0);
  assertEquals(judge(findings({ ticks, running: [] })).troubles, ["no copy runs"]);
  assertEquals(judge(findings({ ticks, running: [], expected: "gone" })).troubles, []);
  assertEquals(judge(findings({ ticks, running: [], expected: "either" })).troubles, []);
});

Deno.test("judge: a process that somebody ended may not rise again", () => {
  assertEquals(judge(findings({ expected: "gone" })).troubles.length, 1);
});

Deno.test("judge: a copy that lacks memory for good may not be left, and may not be two", () => {
  assertEquals(judge(findings({ expected: "lost", running: [] })).troubles, []);
  assertEquals(judge(findings({ expected: "lost" })).troubles.length, 1);
});

Deno.test("judge: damage and what is left behind fail", () => {
  const { troubles } = judge(findings({ damage: "memory differs", left: ["an image"] }));
  assertEquals(troubles, ["memory differs", "left behind: an image"]);
});

Deno.test("judge: a witness that saw nothing fails", () => {
  assert(judge(findings({ ticks: [] })).troubles.length > 0);
});
