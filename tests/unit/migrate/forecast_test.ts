import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  ASSUMED_COSTS,
  expectedDirtyPages,
  forecastSwitchover,
  type IterationSample,
} from "../../../src/migrate/forecast.ts";

const BASE_MS = 20;
const PAGE_MS = 0.01;
const FROZEN_MS = 8;
const FROZEN_PAGE_MS = 0.001;

/** A made-up victim: how many pages it writes in a given time, and what copying them takes. */
interface World {
  readonly totalPages: number;
  readonly dirtied: (ms: number) => number;
  readonly pageMs?: number;
}

/** What `count` pre-dumps of that victim show, and the moment at which the last one has ended. */
function preCopy({ totalPages, dirtied, pageMs = PAGE_MS }: World, count: number) {
  const samples: IterationSample[] = [];
  let nowMs = 1000;
  let window = 0;
  for (let k = 0; k < count; k++) {
    const pagesWritten = k === 0 ? totalPages : Math.round(dirtied(window));
    const busyMs = BASE_MS + pagesWritten * pageMs;
    const frozenMs = FROZEN_MS + pagesWritten * FROZEN_PAGE_MS;
    samples.push({ pagesWritten, dumpedAtMs: nowMs, busyMs, frozenMs });
    nowMs += busyMs;
    window = busyMs;
  }
  return { samples, nowMs };
}

const linear = (perMs: number) => (ms: number) => ms * perMs;
const saturating = (most: number) => () => most;

Deno.test("expectedDirtyPages: a writer that meets new pages all the time is followed down", () => {
  const world = { totalPages: 30_000, dirtied: linear(40) };
  const { samples, nowMs } = preCopy(world, 4);
  const window = nowMs - (samples.at(-1)?.dumpedAtMs ?? 0);
  const expected = expectedDirtyPages(samples, nowMs);
  assertAlmostEquals(expected / world.dirtied(window), 1, 0.02);
  assert(expected < (samples.at(-1)?.pagesWritten ?? 0) * 0.7);
});

Deno.test("expectedDirtyPages: a working set that is rewritten stays as large, however short", () => {
  const { samples, nowMs } = preCopy({ totalPages: 30_000, dirtied: saturating(8000) }, 3);
  assertEquals(expectedDirtyPages(samples, nowMs), 8000);
});

Deno.test("expectedDirtyPages: with one window only the worse of both is taken", () => {
  const samples = [
    { pagesWritten: 10_000, dumpedAtMs: 0, busyMs: 100 },
    { pagesWritten: 1000, dumpedAtMs: 100, busyMs: 30 },
  ];
  assertEquals(expectedDirtyPages(samples, 150), 1000);
  assertEquals(expectedDirtyPages(samples, 300), 2000);
});

Deno.test("expectedDirtyPages: no more than there is, and all of it after one dump", () => {
  const first = { pagesWritten: 10_000, dumpedAtMs: 0, busyMs: 100 };
  assertEquals(expectedDirtyPages([first], 100), 10_000);
  const second = { pagesWritten: 9000, dumpedAtMs: 100, busyMs: 90 };
  assertEquals(expectedDirtyPages([first, second], 1000), 10_000);
});

Deno.test("forecastSwitchover: copying costs what the pre-dumps showed, base and page apart", () => {
  for (const dirtied of [linear(40), saturating(8000), saturating(3)]) {
    const { samples, nowMs } = preCopy({ totalPages: 100_000, dirtied }, 4);
    const { copyMs, dirtyPages } = forecastSwitchover(samples, { freezeAtMs: nowMs });
    assertAlmostEquals(copyMs, BASE_MS + dirtyPages * PAGE_MS, 0.5);
  }
});

Deno.test("forecastSwitchover: a link that has become slower since the first dump counts", () => {
  const samples = [
    { pagesWritten: 100_000, dumpedAtMs: 0, busyMs: 1000 },
    { pagesWritten: 20_000, dumpedAtMs: 1000, busyMs: 2000 },
  ];
  const { copyMs, dirtyPages } = forecastSwitchover(samples, { freezeAtMs: 2000 });
  assertEquals([dirtyPages, copyMs], [20_000, 2000]);
});

Deno.test("forecastSwitchover: a tree that writes nothing costs what does not depend on it", () => {
  const { samples, nowMs } = preCopy({ totalPages: 100_000, dirtied: () => 0 }, 2);
  const { copyMs, dirtyPages } = forecastSwitchover(samples, { freezeAtMs: nowMs });
  assertEquals(dirtyPages, 0);
  assertAlmostEquals(copyMs, BASE_MS, 0.01);
});

Deno.test("forecastSwitchover: an eager restore grows with all memory, a lazy one does not", () => {
  const world = (totalPages: number) => ({ totalPages, dirtied: saturating(100) });
  const restoreMs = (totalPages: number, restore: "eager" | "lazy") => {
    const { samples, nowMs } = preCopy(world(totalPages), 3);
    return forecastSwitchover(samples, { freezeAtMs: nowMs, restore }).restoreMs;
  };
  const { restoreRatio, restorePageRatio } = ASSUMED_COSTS;
  const base = FROZEN_MS * restoreRatio;
  const all = 1_000_000 * FROZEN_PAGE_MS * restorePageRatio;
  assertAlmostEquals(restoreMs(1_000_000, "eager"), base + all, 1);
  assertAlmostEquals(restoreMs(1000, "lazy"), base, 1e-6);
  assertAlmostEquals(restoreMs(1_000_000, "lazy"), base, 1e-6);
});

Deno.test("forecastSwitchover: without CRIU's statistics a freeze is assumed as well", () => {
  const samples = [{ pagesWritten: 1000, dumpedAtMs: 0, busyMs: 100 }];
  const { restoreMs } = forecastSwitchover(samples, { freezeAtMs: 100 });
  const { frozenMs, frozenPageMs, restoreRatio, restorePageRatio } = ASSUMED_COSTS;
  assertAlmostEquals(restoreMs, frozenMs * restoreRatio + 1000 * frozenPageMs * restorePageRatio);
});

Deno.test("forecastSwitchover: is the sum of its parts and of what is assumed", () => {
  const { samples, nowMs } = preCopy({ totalPages: 5000, dirtied: saturating(500) }, 3);
  const { switchoverMs, copyMs, restoreMs } = forecastSwitchover(samples, { freezeAtMs: nowMs });
  const { finalDumpRatio, handoverMs } = ASSUMED_COSTS;
  const othersMs = FROZEN_MS * finalDumpRatio + handoverMs;
  assertAlmostEquals(switchoverMs, copyMs + restoreMs + othersMs, 1e-6);
});

Deno.test("forecastSwitchover: odd series give finite figures, none below zero", () => {
  const odd: IterationSample[][] = [
    [{ pagesWritten: 0, dumpedAtMs: 0, busyMs: 0 }],
    [{ pagesWritten: 0, dumpedAtMs: 0, busyMs: 0, frozenMs: 1 }],
    [
      { pagesWritten: 1000, dumpedAtMs: 0, busyMs: 0, frozenMs: 1 },
      { pagesWritten: 5, dumpedAtMs: 10, busyMs: 0, frozenMs: 100 },
    ],
    [{ pagesWritten: 10, dumpedAtMs: 5, busyMs: 1 }, { pagesWritten: 0, dumpedAtMs: 5, busyMs: 0 }],
    [
      { pagesWritten: 10, dumpedAtMs: 0, busyMs: 100 },
      { pagesWritten: 1000, dumpedAtMs: 1, busyMs: 1 },
      { pagesWritten: 10, dumpedAtMs: 9, busyMs: 5000 },
    ],
  ];
  for (const samples of odd) {
    const figures = Object.values(forecastSwitchover(samples, { freezeAtMs: 0 }));
    assert(figures.every((figure) => Number.isFinite(figure) && figure >= 0), `${figures}`);
  }
  assertThrows(() => forecastSwitchover([], { freezeAtMs: 0 }), RangeError);
});
