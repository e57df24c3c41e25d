/**
 * Flags of `phaul migrate` about probes of the tree on its destination.
 *
 * @module
 */

import { DEFAULT_PROBE_MS, type ProbeOptions } from "../haul/options.ts";
import { deadline } from "./common_flags.ts";
import { type FlagValues, maybe } from "./flags.ts";
import { shellCommand } from "./values.ts";

/** What is run there, and for how long. */
export const PROBE_FLAGS = {
  probe: maybe({
    name: "probe",
    placeholder: "COMMAND",
    help:
      "Run COMMAND by a shell on the destination once the process runs there, until it succeeds; " +
      "should it not, that is told, and the exit code is 80",
    read: shellCommand,
  }),
  probeStopped: maybe({
    name: "probe-stopped",
    placeholder: "COMMAND",
    help:
      "The same, once, while the copy stands there before the commit: should it fail, the process " +
      "goes on here. It stands still meanwhile",
    read: shellCommand,
  }),
  probeMs: deadline("probe-timeout", "How long each of them may take", DEFAULT_PROBE_MS),
} as const;

/** The probes, from the flags above; undefined when none was asked for. */
export function probeOf(
  { probe: running, probeStopped: stopped, probeMs: timeoutMs }: FlagValues<typeof PROBE_FLAGS>,
): ProbeOptions | undefined {
  return running === undefined && stopped === undefined
    ? undefined
    : { running, stopped, timeoutMs };
}
