/**
 * The flags that more than one command has.
 *
 * @module
 */

import { DEFAULT_TIMEOUTS, type RoleOptions, type Timeouts } from "../haul/options.ts";
import { type Flag, type FlagValues, maybe, optional, toggle, usageError } from "./flags.ts";
import { filePath, programPath, secondsAsMs } from "./values.ts";

/** Where identity and token live unless told otherwise. */
export const DEFAULT_STATE_DIR = "/var/lib/phaul";

/** `--criu`, also of the commands that are no role. */
export const CRIU_FLAG: Flag<string | undefined> = maybe({
  name: "criu",
  placeholder: "PATH",
  help: "The criu to drive, if not the one found on PATH",
  read: programPath,
});

/** `--criu-service`. */
export const CRIU_SERVICE_FLAG: Flag<string | undefined> = maybe({
  name: "criu-service",
  placeholder: "SOCKET",
  help: "Drive the criu service that listens at SOCKET instead. It takes no page channel: all " +
    "memory goes through the work dir while the process is frozen",
  read: filePath,
});

/** `--work-dir`. */
export const WORK_DIR_FLAG: Flag<string | undefined> = maybe({
  name: "work-dir",
  placeholder: "DIR",
  help: "Keep images and logs below DIR (default: on tmpfs, /dev/shm/phaul)",
  read: filePath,
});

/** `--state-dir`. */
export const STATE_DIR_FLAG: Flag<string> = optional({
  name: "state-dir",
  placeholder: "DIR",
  help: "Keep the join token, the journals, and on a destination its identity, in DIR",
  read: filePath,
  fallback: DEFAULT_STATE_DIR,
  shownDefault: DEFAULT_STATE_DIR,
});

/** `--json`. */
export const JSON_FLAG: Flag<boolean> = toggle({
  name: "json",
  help: "Write events to standard output, one JSON object a line",
});

/** `--quiet`. */
export const QUIET_FLAG: Flag<boolean> = toggle({
  name: "quiet",
  help: "Tell people of warnings and failures only",
});

/** `--images-dir`. */
export const IMAGES_DIR_FLAG: Flag<string | undefined> = maybe({
  name: "images-dir",
  placeholder: "DIR",
  help:
    "The same as --work-dir, by CRIU's name: with a DIR on a disk, the process's memory is put " +
    "on that disk, on purpose",
  read: filePath,
});

/** `--criu-socket`. */
export const CRIU_SOCKET_FLAG: Flag<string | undefined> = maybe({
  name: "criu-socket",
  placeholder: "PATH",
  help: "Restore by the criu that a service manager starts for each connection to PATH, outside " +
    "of phaul's own service",
  read: filePath,
});

/** `--hook`. */
export const HOOK_FLAG: Flag<string | undefined> = maybe({
  name: "hook",
  placeholder: "PROGRAM",
  help: "Run PROGRAM, or each one in a directory, at each stage and wait for it (PHAUL_STAGE and " +
    "others tell which, the event is on its standard input)",
  read: programPath,
});

/** `--keep-images`. */
export const KEEP_IMAGES_FLAG: Flag<boolean> = toggle({
  name: "keep-images",
  help: "Leave the images of a migration where they are when it has ended",
});

/** Directories, programs and output: of both roles. */
export const ROLE_FLAGS = {
  stateDir: STATE_DIR_FLAG,
  workDir: WORK_DIR_FLAG,
  imagesDir: IMAGES_DIR_FLAG,
  criuPath: CRIU_FLAG,
  hook: HOOK_FLAG,
  keepImages: KEEP_IMAGES_FLAG,
  durable: toggle({
    name: "durable",
    help: "Put images and pages on the destination's disk before the commit: a power cut there " +
      "costs nothing then",
  }),
  insecure: toggle({
    name: "insecure",
    help: "Plain TCP, without encryption or proof of the peer; both sides must ask for it",
  }),
  json: JSON_FLAG,
  quiet: QUIET_FLAG,
} as const;

/** Deadlines: of both roles. */
export const TIMEOUT_FLAGS = {
  connectMs: deadline(
    "connect-timeout",
    "To reach the peer and open a connection",
    DEFAULT_TIMEOUTS.connectMs,
  ),
  stepMs: deadline(
    "step-timeout",
    "For any one step asked of the peer, or of a criu that restores",
    DEFAULT_TIMEOUTS.stepMs,
  ),
  peerSilentMs: deadline(
    "peer-timeout",
    "Silence after which the peer is taken for dead",
    DEFAULT_TIMEOUTS.peerSilentMs,
  ),
  stallMs: deadline(
    "stall-timeout",
    "Time without progress after which a dump, or taking it in, is given up",
    DEFAULT_TIMEOUTS.stallMs,
  ),
  commitMs: deadline(
    "commit-timeout",
    "How long a source goes on asking whether its commit arrived",
    DEFAULT_TIMEOUTS.commitMs,
  ),
} as const;

/** A flag for a time, in seconds. */
export function deadline(name: string, help: string, fallbackMs: number): Flag<number> {
  return optional({
    name,
    placeholder: "SECONDS",
    help,
    read: secondsAsMs,
    fallback: fallbackMs,
    shownDefault: String(fallbackMs / 1000),
  });
}

/** The options that both roles take, from the flags above. */
export function roleOptions(
  values:
    & Omit<FlagValues<typeof ROLE_FLAGS>, "json" | "quiet">
    & FlagValues<typeof TIMEOUT_FLAGS>,
): RoleOptions {
  const { stateDir, criuPath, hook, keepImages, durable, insecure } = values;
  const workDir = imagesDirOf("", values);
  const timeouts = timeoutsOf(values);
  return { stateDir, workDir, criuPath, hook, keepImages, durable, insecure, timeouts };
}

/**
 * Where images lie, by either of its two flags.
 *
 * @throws {PhaulError} "usage" when both are given.
 */
export function imagesDirOf(
  command: string,
  { workDir, imagesDir }: { readonly workDir?: string; readonly imagesDir?: string },
): string | undefined {
  if (workDir === undefined || imagesDir === undefined) return imagesDir ?? workDir;
  throw usageError(command, "Cannot use --images-dir and --work-dir together: they are the same");
}

/** The deadlines, from the flags above. */
export function timeoutsOf(values: FlagValues<typeof TIMEOUT_FLAGS>): Timeouts {
  const { connectMs, stepMs, peerSilentMs, stallMs, commitMs } = values;
  return { connectMs, stepMs, peerSilentMs, stallMs, commitMs };
}
