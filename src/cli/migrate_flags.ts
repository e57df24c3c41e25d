/**
 * Flags of `phaul migrate` that commands before it have as well.
 *
 * @module
 */

import { type Flag, maybe, toggle } from "./flags.ts";
import { filePath, wholeNumber } from "./values.ts";

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
