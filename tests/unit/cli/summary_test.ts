import { assertEquals } from "@std/assert";
import { describeSummary } from "../../../src/cli/summary.ts";
import { MOVED } from "./entries.ts";

const PEER = { host: "dst", port: 7284 };
const BRIEF = {
  ...{ migration: MOVED.migration, iterations: [], switchoverMs: 84, totalMs: 61_000 },
  ...{ bytes: 0, sentBytes: 0 },
};

Deno.test("describeSummary: says where the process is first", () => {
  assertEquals(describeSummary(7, PEER, BRIEF), [
    "Process 7 runs on dst:7284 now: moved in 1 min 1 s with 0 iterations and 0 B, " +
    "switched over in 84 ms",
  ]);
});

Deno.test("describeSummary: holds the switchover against its prediction and its budget", () => {
  const [text] = describeSummary(7, PEER, { ...BRIEF, predictedMs: 90.4, maxDowntimeMs: 300 });
  assertEquals(
    text?.endsWith("switched over in 84 ms, of 300 ms allowed and 90 ms predicted"),
    true,
  );
});

Deno.test("describeSummary: a table of the iterations, and where the time went", () => {
  const { iterations } = MOVED.details;
  const switchover = { dumpMs: 24, restoreMs: 46, handoverMs: 14 };
  const bytes = { bytes: 105_906_176, sentBytes: 53_477_376 };
  const [, ...lines] = describeSummary(7, PEER, { ...BRIEF, ...bytes, iterations, switchover });
  assertEquals(lines, [
    "iteration   pages      memory       sent    took          rate   frozen",
    "        1   25600   100.0 MiB   50.0 MiB   1.0 s   100.0 MiB/s     4 ms",
    "    final     256     1.0 MiB    1.0 MiB   20 ms                  60 ms",
    "Copied 101.0 MiB, at 100.0 MiB/s while it ran; 51.0 MiB of it travelled (50 %)",
    "Of the switchover: dump 24 ms, images and restore 46 ms, handover 14 ms",
  ]);
});
