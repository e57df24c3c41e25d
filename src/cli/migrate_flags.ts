/**
 * Flags of `phaul migrate` that phaul check and phaul plan, which come before it, have as well.
 *
 * @module
 */

import { CHECK_CODES } from "../haul/check_codes.ts";
import { type Flag, list, maybe, optional, required, toggle } from "./flags.ts";
import { filePath, oneOf, peerAddress, wholeNumber } from "./values.ts";

/** The kernel's own limit (PID_MAX_LIMIT). */
const MAX_PID = 4_194_304;

/** `--pid`; each command says what the tree is for. */
export const VICTIM_PID = {
  name: "pid",
  placeholder: "PID",
  read: wholeNumber(1, MAX_PID),
} as const;

/** `--token-file`. */
export const TOKEN_FILE_FLAG: Flag<string | undefined> = maybe({
  name: "token-file",
  placeholder: "FILE",
  help: "The destination's join token (default: join-token in the state directory)",
  read: filePath,
});

/** `--release-unit`. */
export const RELEASE_UNIT_FLAG: Flag<boolean> = toggle({
  name: "release-unit",
  help: "Keep the systemd unit that the process is the main process of from being started again " +
    "on this host; undone when the process does not move",
});

/** The tree and where it goes. */
export const WHAT_FLAGS = {
  pid: required({ ...VICTIM_PID, help: "Root of the process tree to move" }),
  peer: required({
    name: "peer",
    placeholder: "HOST[:PORT]",
    help: "Where phaul serve listens (port 7284 unless given)",
    read: peerAddress,
  }),
  tokenFile: TOKEN_FILE_FLAG,
} as const;

/** What is not to stop it. */
export const CHECK_FLAGS = {
  skippedChecks: list({
    name: "skip-check",
    placeholder: "NAME",
    help:
      "Let a finding of that name (phaul check; docs/checks.md) not stop it; may be given again",
    read: oneOf(CHECK_CODES),
  }),
} as const;

/** When iterating ends by itself. */
export const LIMIT_FLAGS = {
  maxIterations: optional({
    name: "max-iters",
    placeholder: "N",
    help: "Iterate at most N times before the final dump",
    read: wholeNumber(1, 10_000),
    fallback: 8,
    shownDefault: "8",
  }),
  minPages: optional({
    name: "min-pages",
    placeholder: "N",
    help: "Stop iterating once N pages or fewer were written",
    read: wholeNumber(0),
    fallback: 64,
    shownDefault: "64",
  }),
  maxGrowthPercent: optional({
    name: "max-growth",
    placeholder: "PERCENT",
    help: "Stop iterating when an iteration writes that much more than the one before",
    read: wholeNumber(0, 1_000_000),
    fallback: 10,
    shownDefault: "10",
  }),
} as const;
