import { assertEquals } from "@std/assert";
import { readSummary, showCounts, sumCounts } from "../../../tools/summary.ts";

Deno.test("readSummary: reads passed, failed and ignored", () => {
  assertEquals(readSummary("\nok | 12 passed | 0 failed (3s)\n"), {
    ...{ passed: 12, failed: 0, skipped: 0 },
  });
  assertEquals(readSummary("FAILED | 1 passed (3 steps) | 2 failed (1 step) | 4 ignored (1m2s)"), {
    ...{ passed: 1, failed: 2, skipped: 4 },
  });
  assertEquals(readSummary("ok | 1 passed | 0 failed | 2 ignored | 7 filtered out (0ms)"), {
    ...{ passed: 1, failed: 0, skipped: 2 },
  });
});

Deno.test("readSummary: sees through colours", () => {
  const text = "\x1b[0m\x1b[32mok\x1b[0m | 5 passed | 0 failed \x1b[0m\x1b[38;5;245m(3ms)\x1b[0m\n";
  assertEquals(readSummary(text)?.passed, 5);
});

Deno.test("readSummary: takes the last one, since a test may print its like", () => {
  const text = "ok | 99 passed | 0 failed (1s)\nFAILED | 1 passed | 1 failed (1s)\n";
  assertEquals(readSummary(text), { passed: 1, failed: 1, skipped: 0 });
});

Deno.test("readSummary: a run that was cut off has none", () => {
  assertEquals(readSummary("running 3 tests from ./a_test.ts\n"), undefined);
  assertEquals(readSummary(""), undefined);
});

Deno.test("sumCounts, showCounts: add up to the last line", () => {
  const sum = sumCounts([{ passed: 1, failed: 0, skipped: 2 }, {
    passed: 3,
    failed: 4,
    skipped: 0,
  }]);
  assertEquals(showCounts(sum), "4 passed, 4 failed, 2 skipped");
  assertEquals(showCounts(sumCounts([])), "0 passed, 0 failed, 0 skipped");
});
