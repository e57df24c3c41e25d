/**
 * What a migration came to, for a person.
 *
 * @module
 */

import type { IterationFigures, MigrationSummary } from "../haul/events.ts";
import type { HostAddress } from "../haul/options.ts";
import { showAddress } from "./describe.ts";
import { count, showBytes, showMs, showRate } from "./figures.ts";
import { table } from "./table.ts";

const HEAD = ["iteration", "pages", "memory", "sent", "took", "rate", "frozen"];

/** Where the process is now and what it took, first; then what there is to know of it. */
export function describeSummary(
  pid: number,
  peer: HostAddress,
  summary: MigrationSummary,
): string[] {
  const { bytes, iterations, totalMs, switchoverMs, predictedMs, maxDowntimeMs } = summary;
  const budget = maxDowntimeMs === undefined ? "" : `, of ${showMs(maxDowntimeMs)} allowed` +
    (predictedMs === undefined ? "" : ` and ${showMs(predictedMs)} predicted`);
  return [
    `Process ${pid} runs on ${showAddress(peer)} now: moved in ${showMs(totalMs)} with ` +
    `${count(iterations.length, "iteration")} and ${showBytes(bytes)}, ` +
    `switched over in ${showMs(switchoverMs)}${budget}`,
    ...describeIterations(summary),
    ...describeCopying(summary),
    ...describeSwitchover(summary),
    ...describeFiles(summary),
  ];
}

function describeFiles({ files }: MigrationSummary): string[] {
  if (files === undefined) return [];
  const { final } = files;
  return [
    `Files: ${count(files.files, "file")}, ${showBytes(files.sentBytes)} travelled; of these ` +
    `${count(final.files, "file")}, ${showBytes(final.sentBytes)} in ` +
    `${showMs(final.durationMs)} while frozen`,
  ];
}

/** A table of them. */
export function describeIterations({ iterations }: MigrationSummary): string[] {
  return iterations.length === 0 ? [] : table([HEAD, ...iterations.map(rowOf)]);
}

function rowOf(one: IterationFigures): string[] {
  const { iteration, final, pagesWritten, bytes, sentBytes = bytes } = one;
  const { durationMs, frozenTimeUs } = one;
  return [
    final ? "final" : String(iteration),
    String(pagesWritten),
    showBytes(bytes),
    showBytes(sentBytes),
    showMs(durationMs),
    // The final one ends with the switchover: what it took is no measure of the link.
    final ? "" : showRate(bytes, durationMs),
    frozenTimeUs === undefined ? "" : showMs(frozenTimeUs / 1000),
  ];
}

function describeCopying({ iterations, bytes, sentBytes }: MigrationSummary): string[] {
  if (bytes === 0) return [];
  const rate = copyingRate(iterations);
  const percent = Math.round((100 * sentBytes) / bytes);
  return [
    `Copied ${showBytes(bytes)}${rate === "" ? "" : `, at ${rate} while it ran`}; ` +
    `${showBytes(sentBytes)} of it travelled (${percent} %)`,
  ];
}

/** How fast memory was copied ahead; empty where none was. */
export function copyingRate(iterations: readonly IterationFigures[]): string {
  const ahead = iterations.filter(({ final }) => !final);
  const [bytes, ms] = [ahead.map((one) => one.bytes), ahead.map((one) => one.durationMs)].map((
    all,
  ) => all.reduce((sum, one) => sum + one, 0));
  return showRate(bytes ?? 0, ms ?? 0);
}

function describeSwitchover({ switchover }: MigrationSummary): string[] {
  if (switchover === undefined) return [];
  const { dumpMs, restoreMs, handoverMs } = switchover;
  return [
    `Of the switchover: dump ${showMs(dumpMs)}, images and restore ${showMs(restoreMs)}, ` +
    `handover ${showMs(handoverMs)}`,
  ];
}
