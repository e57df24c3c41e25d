/**
 * What a migration comes to, in a few figures.
 *
 * @module
 */

import type { HistoryEntry } from "../../haul/history.ts";
import { count, showBytes, showMs } from "../figures.ts";
import { copyingRate } from "../summary.ts";

/** One of them. */
export interface KeyFigure {
  readonly name: string;
  readonly value: string;
  readonly remark?: string;
}

/** The figures of `entry`, as far as it got. */
export function keyFigures({ summary, details }: HistoryEntry): KeyFigure[] {
  const { iterations, timeline } = details;
  const bytes = iterations.reduce((sum, one) => sum + one.bytes, 0);
  const sent = iterations.reduce((sum, one) => sum + (one.sentBytes ?? one.bytes), 0);
  const figures: KeyFigure[] = [];
  if (summary) figures.push({ name: "Stood still", ...standstill(summary) });
  const frozenUs = iterations.findLast(({ final }) => final)?.frozenTimeUs;
  if (frozenUs !== undefined) {
    figures.push({ name: "Frozen by CRIU", value: showMs(frozenUs / 1000), remark: "final dump" });
  }
  const endMs = summary?.totalMs ?? timeline.at(-1)?.atMs;
  if (endMs !== undefined) figures.push({ name: "In all", value: showMs(endMs) });
  if (iterations.length === 0) return figures;
  const pages = iterations.reduce((sum, one) => sum + one.pagesWritten, 0);
  figures.push(
    {
      ...{ name: "Memory", value: showBytes(bytes) },
      remark: `${count(pages, "page")} in ${count(iterations.length, "iteration")}`,
    },
    {
      ...{ name: "Sent", value: showBytes(sent) },
      remark: bytes > 0 ? `${Math.round((100 * sent) / bytes)} % of it` : undefined,
    },
  );
  const rate = copyingRate(iterations);
  if (rate !== "") {
    figures.push({ name: "Rate", value: rate, remark: "while it ran" });
  }
  return figures;
}

function standstill(summary: NonNullable<HistoryEntry["summary"]>): Omit<KeyFigure, "name"> {
  const { switchoverMs, predictedMs, maxDowntimeMs } = summary;
  const remarks = [
    ...(predictedMs === undefined ? [] : [`${showMs(predictedMs)} predicted`]),
    ...(maxDowntimeMs === undefined ? [] : [`${showMs(maxDowntimeMs)} allowed`]),
  ];
  return {
    value: showMs(switchoverMs),
    remark: remarks.length === 0 ? "from the freeze until it ran" : remarks.join(", "),
  };
}
