import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Meter } from "../../../src/cli/meter.ts";
import type { HaulEvent } from "../../../src/haul/events.ts";

const migration = "0123456789abcdef0123456789abcdef";
const MIB = 2 ** 20;

function begin(iteration: number, final = false): HaulEvent {
  return { event: "iteration-begin", migration, iteration, final };
}

function progress(iteration: number, bytes: number): HaulEvent {
  return { event: "progress", migration, iteration, pagesWritten: bytes / 4096, bytes };
}

function end(iteration: number, pagesWritten: number): HaulEvent {
  const figures = { bytes: pagesWritten * 4096, durationMs: 1, final: false };
  return { event: "iteration-end", migration, iteration, pagesWritten, ...figures };
}

/** A meter that saw half of 64 MiB travel in a second. */
function halfway(): Meter {
  const meter = new Meter();
  const checked = { comm: "x", pid: 7, processes: 1, memoryBytes: 64 * MIB };
  meter.take({ event: "checked", migration, ...checked }, 0);
  meter.take(begin(1), 1000);
  meter.take(progress(1, 32 * MIB), 2000);
  return meter;
}

Deno.test("Meter: bar, pages, rate and what is left", () => {
  const line = halfway().line(100, 2000);
  assertEquals(
    line,
    "Iteration 1  [##########----------]  8192 pages, 32.0 MiB  32.0 MiB/s  1.0 s left",
  );
});

Deno.test("Meter: what matters least is left out where there is no room", () => {
  const meter = halfway();
  assertEquals(meter.line(45, 2000), "Iteration 1  8192 pages, 32.0 MiB  32.0 MiB/s");
  assertEquals(meter.line(20, 2000), "Iteration 1");
  assertEquals(meter.line(5, 2000), "Itera");
  for (let columns = 1; columns < 120; columns++) {
    assert(meter.line(columns, 2000).length <= columns);
  }
});

Deno.test("Meter: how fast memory is written, and the switchover that is predicted", () => {
  const meter = halfway();
  meter.take(end(1, 16_384), 3000);
  meter.take(begin(2), 3000);
  meter.take(end(2, 512), 3500);
  const prediction = { dirtyPages: 1, copyMs: 1, restoreMs: 1, maxDowntimeMs: 1, fits: false };
  meter.take(
    { event: "predicted", migration, iteration: 2, switchoverMs: 130, ...prediction },
    3500,
  );
  meter.take(begin(3), 5000);
  const line = meter.line(200, 5000);
  // 2 MiB between the begins of the first and the second iteration, which were 2 s apart.
  assertStringIncludes(line, "written 1.0 MiB/s");
  assertStringIncludes(line, "switchover 130 ms");
});

Deno.test("Meter: the rate is that of the last two seconds", () => {
  const meter = halfway();
  for (let ms = 3000; ms <= 6000; ms += 500) meter.take(progress(1, 33 * MIB), ms);
  assert(!meter.line(200, 6000).includes("/s"), meter.line(200, 6000));
});

Deno.test("Meter: a bar is never full before the end", () => {
  const meter = halfway();
  meter.take(progress(1, 640 * MIB), 2500);
  assertStringIncludes(meter.line(100, 2500), "-]");
});

Deno.test("Meter: beside iterations it tells the phase and for how long all has been going on", () => {
  const meter = halfway();
  meter.take(begin(2, true), 4000);
  assertStringIncludes(meter.line(100, 4000), "Final dump");
  meter.take(end(2, 5), 4500);
  meter.take({ event: "committed", migration }, 5000);
  assertEquals(meter.line(100, 6000), "Committed: handing over  6.0 s");
});
