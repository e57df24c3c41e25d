import { assertEquals, assertThrows } from "@std/assert";
import { examine, type Tick, WitnessError } from "../witness.ts";

/** Ticks as the witness would have sorted them: [host, sequence, time in ms]. */
function ticks(...all: [string, number, number][]): Tick[] {
  return all.map(([host, sequence, timeMs]) => ({ workload: "w", host, sequence, pid: 1, timeMs }));
}

function rejects(list: Tick[], words: string, options = {}): void {
  assertThrows(() => examine("w", list, options), WitnessError, words);
}

Deno.test("examine: one move, its stretches and its silence", () => {
  const moved = ticks(["alpha", 1, 0], ["alpha", 2, 20], ["beta", 3, 520], ["beta", 4, 540]);
  const report = examine("w", moved, { hosts: ["alpha", "beta"] });
  assertEquals(report.stretches.map(({ host, last }) => [host, last.sequence]), [
    ["alpha", 2],
    ["beta", 4],
  ]);
  assertEquals(report.ticks, 4);
  assertEquals(report.largestSilence, { ms: 500, before: 3 });
});

Deno.test("examine: refuses a number sent by both hosts", () => {
  rejects(ticks(["alpha", 1, 0], ["alpha", 2, 20], ["beta", 2, 500]), "number 2 was sent twice");
});

Deno.test("examine: refuses a number sent twice by one host", () => {
  rejects(ticks(["alpha", 1, 0], ["alpha", 1, 20]), "number 1 was sent twice");
});

Deno.test("examine: refuses a gap, unless allowed", () => {
  const gap = ticks(["alpha", 1, 0], ["alpha", 4, 20]);
  rejects(gap, "numbers 2 to 3 are missing");
  assertEquals(examine("w", gap, { allowGaps: true }).ticks, 2);
});

Deno.test("examine: refuses a beginning that is not 1", () => {
  rejects(ticks(["alpha", 2, 0]), "the first tick is number 2");
});

Deno.test("examine: refuses the source ticking on after the destination began", () => {
  const both = ticks(["alpha", 1, 5000], ["beta", 2, 100]);
  rejects(both, "a higher number was sent earlier");
});

Deno.test("examine: refuses hosts in another order than expected", () => {
  const stayed = ticks(["alpha", 1, 0], ["alpha", 2, 20]);
  rejects(stayed, "ran on alpha; expected alpha, then beta", { hosts: ["alpha", "beta"] });
  const back = ticks(["alpha", 1, 0], ["beta", 2, 20], ["alpha", 3, 40]);
  rejects(back, "ran on alpha, then beta, then alpha", { hosts: ["alpha", "beta"] });
});

Deno.test("examine: refuses silence", () => {
  rejects([], "the witness saw nothing");
});
