/**
 * How long the switchover would take if it began now. Pure: it sees what the iterations measured, and
 * what is assumed of the steps that no iteration takes. docs/convergence.md explains the model.
 *
 * @module
 */

/** How the destination restores: all pages before the tree runs, or pages as they are touched. */
export type RestoreKind = "eager" | "lazy";

/** What one pre-dump showed. Times are in milliseconds, on one clock for the whole series. */
export interface IterationSample {
  /** Pages of 4096 bytes that travelled, shared memory included. */
  readonly pagesWritten: number;
  /** When CRIU was asked for the dump: pages written from about then on belong to the next one. */
  readonly dumpedAtMs: number;
  /** From there until all had arrived, without the time for which it was held back to a rate. */
  readonly busyMs: number;
  /** How long it froze the tree, by CRIU's statistics; absent when it left none. */
  readonly frozenMs?: number;
}

/**
 * The steps of a switchover that pre-copy never takes, so that they can only be assumed. They are given
 * as multiples of the time for which a pre-dump froze the tree: that tells how fast the host is, and the
 * destination is taken to be as fast.
 */
export interface AssumedCosts {
  /** What the final dump does besides memory, in multiples of a freeze without pages. */
  readonly finalDumpRatio: number;
  /** A restore without its pages, in multiples of the same. */
  readonly restoreRatio: number;
  /** Putting one page in its place, in multiples of what one page adds to a freeze; eager only. */
  readonly restorePageRatio: number;
  /** The journals and messages of the handover. */
  readonly handoverMs: number;
  /** A freeze, where CRIU left no statistics. */
  readonly frozenMs: number;
  /** What one page adds to it, where CRIU left none. */
  readonly frozenPageMs: number;
}

/** docs/convergence.md says where they come from. */
export const ASSUMED_COSTS: AssumedCosts = {
  finalDumpRatio: 1,
  restoreRatio: 3,
  restorePageRatio: 14,
  handoverMs: 10,
  frozenMs: 10,
  frozenPageMs: 0.000_2,
};

/** A switchover, predicted. */
export interface Forecast {
  /** All of it: from the freeze until the destination's copy runs. */
  readonly switchoverMs: number;
  /** Pages that will have been written since the last dump when the tree is frozen. */
  readonly dirtyPages: number;
  /** Its part for dumping and copying those pages, as pre-copy measured it. */
  readonly copyMs: number;
  /** Its part for the restore, as assumed. */
  readonly restoreMs: number;
}

/** What a forecast is made for. */
export interface ForecastOptions {
  /** When the tree would be frozen, on the clock of the samples. */
  readonly freezeAtMs: number;
  /** `eager` when not given. */
  readonly restore?: RestoreKind;
  /** {@linkcode ASSUMED_COSTS} when not given. */
  readonly costs?: AssumedCosts;
}

/** Two windows that differ by less than this factor say nothing about how dirt grows with time. */
const TELLING_RATIO = 1.25;
/** Samples whose pages differ by less than this factor say nothing about the cost of one page. */
const TELLING_PAGES = 1.5;

/**
 * Predicts the switchover.
 *
 * @param samples One for each pre-dump, the oldest first; at least one.
 * @throws RangeError without samples
 */
export function forecastSwitchover(
  samples: readonly IterationSample[],
  { freezeAtMs, restore = "eager", costs = ASSUMED_COSTS }: ForecastOptions,
): Forecast {
  const dirtyPages = Math.round(expectedDirtyPages(samples, freezeAtMs));
  const copyMs = copyTime(samples, dirtyPages);
  const freeze = freezeCost(samples, costs);
  const pages = restore === "eager" ? memoryPages(samples) : 0;
  const restoreMs = freeze.baseMs * costs.restoreRatio +
    pages * freeze.pageMs * costs.restorePageRatio;
  const othersMs = freeze.baseMs * costs.finalDumpRatio + costs.handoverMs;
  return { switchoverMs: copyMs + restoreMs + othersMs, dirtyPages, copyMs, restoreMs };
}

/**
 * Pages written between the last dump and `freezeAtMs`.
 *
 * Dirt grows with the time it is given, by some power of it: in proportion where each write meets a new
 * page, not at all where the same pages are written again and again. Two windows of different length
 * show which; until they do, the worse of both is taken.
 */
export function expectedDirtyPages(
  samples: readonly IterationSample[],
  freezeAtMs: number,
): number {
  const last = lastOf(samples);
  const most = memoryPages(samples);
  const windows = windowsOf(samples);
  const window = windows.at(-1);
  // The first dump says how much there is, nothing about how fast it is written.
  if (window === undefined) return most;
  const stretch = Math.max(0, freezeAtMs - last.dumpedAtMs) / window.ms;
  const power = growthPower(windows) ?? (stretch > 1 ? 1 : 0);
  return Math.min(most, window.pages * stretch ** power);
}

/** The time between two dumps, and the pages that were written in it. */
interface Window {
  readonly ms: number;
  readonly pages: number;
}

function windowsOf(samples: readonly IterationSample[]): Window[] {
  return samples.slice(1).map((sample, index) => ({
    ms: Math.max(1, sample.dumpedAtMs - (samples[index]?.dumpedAtMs ?? 0)),
    pages: sample.pagesWritten,
  }));
}

function growthPower(windows: readonly Window[]): number | undefined {
  const [before, last] = windows.slice(-2);
  if (!before || !last || before.pages === 0 || last.pages === 0) return undefined;
  const time = Math.log(last.ms / before.ms);
  if (Math.abs(time) < Math.log(TELLING_RATIO)) return undefined;
  return Math.max(0, Math.min(1, Math.log(last.pages / before.pages) / time));
}

/** What a freeze takes without pages, and what each page adds to it: by the largest and the smallest. */
function freezeCost(samples: readonly IterationSample[], costs: AssumedCosts) {
  const frozen = samples.flatMap(({ pagesWritten: pages, frozenMs: ms }) =>
    ms === undefined ? [] : [{ pages, ms }]
  ).sort((a, b) => a.pages - b.pages);
  const [small, large] = [frozen[0], frozen.at(-1)];
  if (!small || !large) return { baseMs: costs.frozenMs, pageMs: costs.frozenPageMs };
  if (large.pages <= small.pages * TELLING_PAGES) {
    const baseMs = Math.min(costs.frozenMs, small.ms);
    return { baseMs, pageMs: (large.ms - baseMs) / Math.max(1, large.pages) };
  }
  const pageMs = Math.max(0, (large.ms - small.ms) / (large.pages - small.pages));
  return { baseMs: Math.max(0, small.ms - small.pages * pageMs), pageMs };
}

/** A line through the last sample; its slope, the cost of a page, comes from the largest one. */
function copyTime(samples: readonly IterationSample[], pages: number): number {
  const last = lastOf(samples);
  const largest = samples.reduce((most, s) => s.pagesWritten > most.pagesWritten ? s : most);
  return Math.max(0, last.busyMs + pageCost(largest, last) * (pages - last.pagesWritten));
}

function pageCost(largest: IterationSample, last: IterationSample): number {
  const most = last.busyMs / Math.max(1, last.pagesWritten);
  if (largest.pagesWritten <= last.pagesWritten * TELLING_PAGES) return most;
  const slope = (largest.busyMs - last.busyMs) / (largest.pagesWritten - last.pagesWritten);
  return Math.max(0, Math.min(most, slope));
}

/** What the tree has in memory: as much as its largest dump, which is nearly always the first. */
function memoryPages(samples: readonly IterationSample[]): number {
  return Math.max(...samples.map(({ pagesWritten }) => pagesWritten));
}

function lastOf(samples: readonly IterationSample[]): IterationSample {
  const last = samples.at(-1);
  if (last === undefined) throw new RangeError("A forecast needs a pre-dump to look at");
  return last;
}
