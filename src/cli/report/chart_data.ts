/**
 * The figures that a report's charts show.
 *
 * @module
 */

import type { MigrationDetails, TransferSample } from "../../haul/record.ts";

const PAGE_BYTES = 4096;
const MIB = 2 ** 20;
/** Moments nearer to each other than this say nothing of a rate. */
const SHORTEST_MS = 100;

/** Columns for the charts: all of one chart have the same length. */
export interface ChartData {
  readonly iterations: {
    readonly iteration: readonly number[];
    /** What was copied, in MiB. */
    readonly copiedMiB: readonly number[];
    /** What the process wrote from the begin of the iteration before to that of this one, in MiB/s. */
    readonly writtenMiBs: readonly (number | null)[];
  };
  readonly transfer: {
    /** Since the migration began. */
    readonly seconds: readonly number[];
    /** Mean since the moment before. */
    readonly rateMiBs: readonly number[];
  };
}

/** The columns for `details`. */
export function chartData({ iterations, timeline, transfer }: MigrationDetails): ChartData {
  const begunMs = iterations.map(({ iteration, final }) => {
    const name = final ? "final-dump" : `iteration-${iteration}`;
    return timeline.find((entry) => entry.name === name && entry.on === "source")?.atMs;
  });
  const writtenMiBs = iterations.map(({ pagesWritten }, index) => {
    const [before, now] = [index === 0 ? undefined : begunMs[index - 1], begunMs[index]];
    if (before === undefined || now === undefined || now <= before) return null;
    return (pagesWritten * PAGE_BYTES) / MIB / ((now - before) / 1000);
  });
  return {
    iterations: {
      iteration: iterations.map(({ iteration }) => iteration),
      copiedMiB: iterations.map(({ pagesWritten }) => (pagesWritten * PAGE_BYTES) / MIB),
      writtenMiBs,
    },
    transfer: rates(transfer),
  };
}

function rates(samples: readonly TransferSample[]): ChartData["transfer"] {
  const seconds: number[] = [];
  const rateMiBs: number[] = [];
  let [last] = samples;
  for (const sample of samples.slice(1)) {
    if (last === undefined || sample.atMs - last.atMs < SHORTEST_MS) continue;
    seconds.push(sample.atMs / 1000);
    rateMiBs.push((sample.bytes - last.bytes) / MIB / ((sample.atMs - last.atMs) / 1000));
    last = sample;
  }
  return { seconds, rateMiBs };
}
