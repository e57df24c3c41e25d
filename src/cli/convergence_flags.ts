/**
 * The flags of `phaul migrate` that weigh the time of the copying against that of the standstill.
 *
 * @module
 */

import type {
  BandwidthLimits,
  Compression,
  DowntimeBudget,
  MigrationMode,
  OnMiss,
  PageChannelKind,
} from "../haul/options.ts";
import { type FlagValues, maybe, optional, usageError } from "./flags.ts";
import { bitRate, durationAsMs, oneOf } from "./values.ts";

const CHANNELS: readonly PageChannelKind[] = ["relay", "direct"];
const COMPRESSIONS: readonly Compression[] = ["zstd", "off", "auto"];
const ON_MISS: readonly OnMiss[] = ["proceed", "cancel", "throttle"];

/** How long the switchover may take, and what else then. */
export const BUDGET_FLAGS = {
  maxDowntimeMs: maybe({
    name: "max-downtime",
    placeholder: "TIME",
    help: "Iterate until the switchover is predicted to take TIME at most, such as 300ms or 1.5s",
    read: durationAsMs,
  }),
  onMiss: maybe({
    name: "on-miss",
    placeholder: "WHAT",
    help:
      "When no more iterating gets there: proceed (default), cancel, or throttle: slow the process " +
      "down step by step, by its cgroup",
    read: oneOf(ON_MISS),
  }),
} as const;

/** What the page path makes of the link. */
export const LINK_FLAGS = {
  channel: optional<PageChannelKind>({
    name: "channel",
    placeholder: "HOW",
    help:
      "How pages travel: relay (through phaul, encrypted) or direct (CRIU sends them itself, as " +
      "plain text, to phaul serve --direct-port; only for networks that are trusted)",
    read: oneOf(CHANNELS),
    fallback: "relay",
    shownDefault: "relay",
  }),
  bandwidth: maybe({
    name: "bandwidth",
    placeholder: "RATE",
    help:
      "Copy memory ahead at RATE at most, such as 500Mbit or 1Gbit; the switchover is not held back",
    read: bitRate,
  }),
  bandwidthFinal: maybe({
    name: "bandwidth-final",
    placeholder: "RATE",
    help: "Hold the switchover back to RATE as well, which prolongs it",
    read: bitRate,
  }),
  compression: optional<Compression>({
    name: "compress",
    placeholder: "HOW",
    help: "Compress pages on their way: zstd, off, or auto, which does as long as it saves time",
    read: oneOf(COMPRESSIONS),
    fallback: "off",
    shownDefault: "off",
  }),
} as const;

/**
 * The budget, from the flags above. It says when to stop iterating: without iterations, or without a
 * limit, it says nothing.
 *
 * @throws {PhaulError} "usage".
 */
export function budgetOf(
  values: FlagValues<typeof BUDGET_FLAGS> & { readonly mode: MigrationMode },
): DowntimeBudget | undefined {
  const { maxDowntimeMs, onMiss = "proceed", mode } = values;
  if (maxDowntimeMs === undefined) {
    if (values.onMiss === undefined) return undefined;
    throw usageError("migrate", "Cannot use --on-miss without --max-downtime");
  }
  if (mode === "stop-and-copy" || mode === "post-copy") {
    throw usageError(
      "migrate",
      `Cannot use --max-downtime with --mode ${mode}: nothing is iterated`,
    );
  }
  return { maxDowntimeMs, onMiss };
}

/**
 * How pages travel, from the flags above: what CRIU sends itself can be neither held back nor compressed.
 *
 * @throws {PhaulError} "usage".
 */
export function linkOf(
  values: FlagValues<typeof LINK_FLAGS>,
): { channel: PageChannelKind; bandwidth: BandwidthLimits; compression: Compression } {
  const { channel, bandwidth, bandwidthFinal, compression } = values;
  const flags = { "--bandwidth": bandwidth, "--bandwidth-final": bandwidthFinal };
  const used = Object.entries(flags).find(([, value]) => value !== undefined)?.[0] ??
    (compression === "off" ? undefined : "--compress");
  if (channel === "direct" && used) {
    throw usageError(
      "migrate",
      `Cannot use ${used} with --channel direct: CRIU sends pages itself`,
    );
  }
  return { channel, bandwidth: { preCopy: bandwidth, final: bandwidthFinal }, compression };
}
