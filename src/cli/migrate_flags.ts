/**
 * Flags of `phaul migrate` that phaul check and phaul plan, which come before it, have as well.
 *
 * @module
 */

import { SKIPPABLE_CODES } from "../haul/check_codes.ts";
import {
  type FileStrategy,
  mayLend,
  type MigrationMode,
  type PageChannelKind,
  type RestoreMode,
  type VictimChoice,
} from "../haul/options.ts";
import {
  type Flag,
  type FlagValues,
  list,
  maybe,
  optional,
  required,
  toggle,
  usageError,
} from "./flags.ts";
import { filePath, fileStrategy, nonEmpty, oneOf, peerAddress, wholeNumber } from "./values.ts";

/** The kernel's own limit (PID_MAX_LIMIT). */
const MAX_PID = 4_194_304;

/** Ways to name the root of the tree; one of them is given. */
export const VICTIM_FLAGS = {
  pid: maybe({
    name: "pid",
    placeholder: "PID",
    help: "The process tree whose root has that pid",
    read: wholeNumber(1, MAX_PID),
  }),
  name: maybe({
    name: "name",
    placeholder: "NAME",
    help: "The one that is called so, such as redis-server; of a server with workers the server",
    read: nonEmpty,
  }),
  pidFile: maybe({
    name: "pidfile",
    placeholder: "FILE",
    help: "The one whose pid stands in FILE",
    read: filePath,
  }),
  unit: maybe({
    name: "unit",
    placeholder: "UNIT",
    help: "The main process of that systemd unit; with --release-unit",
    read: nonEmpty,
  }),
} as const;

/**
 * Who is meant, by the flags above; undefined when none was given.
 *
 * @throws {PhaulError} "usage" when more than one was given
 */
export function victimOf(
  command: string,
  { pid, name, pidFile, unit }: FlagValues<typeof VICTIM_FLAGS>,
): VictimChoice | undefined {
  const choices: VictimChoice[] = [
    ...(pid === undefined ? [] : [{ by: "pid", pid } as const]),
    ...(name === undefined ? [] : [{ by: "name", name } as const]),
    ...(pidFile === undefined ? [] : [{ by: "pidfile", path: pidFile } as const]),
    ...(unit === undefined ? [] : [{ by: "unit", unit } as const]),
  ];
  if (choices.length <= 1) return choices[0];
  throw usageError(command, "Cannot use more than one of --pid, --name, --pidfile and --unit");
}

/**
 * The same for a command that cannot do without.
 *
 * @throws {PhaulError} "usage"
 */
export function requiredVictim(
  command: string,
  values: FlagValues<typeof VICTIM_FLAGS>,
): VictimChoice {
  const choice = victimOf(command, values);
  if (choice) return choice;
  throw usageError(command, "Cannot do without one of --pid, --name, --pidfile and --unit");
}

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
  ...VICTIM_FLAGS,
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
    read: oneOf(SKIPPABLE_CODES),
  }),
} as const;

/** Which files come along. */
export const FILES_FLAGS = {
  fs: list<FileStrategy>({
    name: "fs",
    placeholder: "STRATEGY",
    help:
      "Bring files along: shared (none, the default), open (what the tree has open, where it is " +
      "missing), tree:PATH[:DEST] (a directory, by rsync), exec:PROGRAM (your own way); may be " +
      "given again",
    read: fileStrategy,
  }),
  overwrite: toggle({
    name: "overwrite",
    help:
      "What --fs finds in the way on the destination is replaced at the commit, as far as its " +
      "--allow-path goes",
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

const MODES: readonly MigrationMode[] = [
  "pre-copy",
  "stop-and-copy",
  "post-copy",
  "hybrid",
  "auto",
];

/** How memory travels. */
export const MODE_FLAGS = {
  mode: optional<MigrationMode>({
    name: "mode",
    placeholder: "MODE",
    help:
      "How memory travels: pre-copy (while the tree runs), stop-and-copy (while it is frozen), " +
      "post-copy (once it runs on the destination), hybrid (pre-copy, then post-copy of what was " +
      "written since) or auto (pre-copy, or hybrid where that does not converge)",
    read: oneOf(MODES),
    fallback: "pre-copy",
    shownDefault: "pre-copy",
  }),
} as const;

/** Flags that have to fit each other. */
interface FittingValues {
  readonly mode: MigrationMode;
  readonly channel: PageChannelKind;
  readonly criuService: string | undefined;
  readonly restoreMode: RestoreMode;
  readonly durable: boolean;
}

/**
 * What leaves memory behind needs phaul between the two CRIUs, a restore that can wait for memory, and a
 * destination that has to survive nothing by itself.
 *
 * @throws {PhaulError} "usage"
 */
export function requireFitting(
  command: string,
  { mode, channel, criuService, restoreMode, durable }: FittingValues,
): void {
  if (!mayLend(mode)) return;
  const conflict = criuService !== undefined
    ? "--criu-service"
    : channel === "direct"
    ? "--channel direct"
    : restoreMode === "eager"
    ? "--restore eager"
    : durable
    ? "--durable"
    : undefined;
  if (conflict) throw usageError(command, `Cannot use --mode ${mode} with ${conflict}`);
}
