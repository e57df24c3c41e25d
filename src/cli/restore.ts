/**
 * `phaul restore`.
 *
 * @module
 */

import { asPhaulError } from "../errors.ts";
import type { ArchiveRestoreOptions } from "../haul/archive_options.ts";
import { describeRestore, describeRestoring } from "./archive_words.ts";
import type { Command, Context } from "./command.ts";
import {
  CRIU_FLAG,
  CRIU_SOCKET_FLAG,
  HOOK_FLAG,
  IMAGES_DIR_FLAG,
  imagesDirOf,
  JSON_FLAG,
  KEEP_IMAGES_FLAG,
  QUIET_FLAG,
  STATE_DIR_FLAG,
  TIMEOUT_FLAGS,
  timeoutsOf,
  WORK_DIR_FLAG,
} from "./common_flags.ts";
import { EXIT_OK } from "./exit_codes.ts";
import { parseFlags, toggle, usageError } from "./flags.ts";
import { CHECK_FLAGS } from "./migrate_flags.ts";
import { Reporter } from "./reporter.ts";
import { stoppable } from "./signals.ts";
import { filePath } from "./values.ts";

const AGAIN_FLAGS = {
  again: toggle({
    name: "again",
    help:
      "Restore also what this host has restored before; see that it runs nowhere any more first",
  }),
} as const;

const HOST_FLAGS = {
  stateDir: STATE_DIR_FLAG,
  workDir: WORK_DIR_FLAG,
  imagesDir: IMAGES_DIR_FLAG,
  criuPath: CRIU_FLAG,
  criuSocket: CRIU_SOCKET_FLAG,
  hook: HOOK_FLAG,
  keepImages: KEEP_IMAGES_FLAG,
  json: JSON_FLAG,
  quiet: QUIET_FLAG,
} as const;

const FLAGS = { ...AGAIN_FLAGS, ...CHECK_FLAGS, ...HOST_FLAGS, ...TIMEOUT_FLAGS } as const;

/** The command. */
export const RESTORE_COMMAND: Command = {
  name: "restore",
  summary: "Bring a process tree out of an archive to life",
  usage: "FILE [FLAGS]",
  about: [
    "Restores the process tree that phaul migrate --to-archive has put into FILE. All of FILE is " +
    "checked before anything is started, and FILE stays as it is.",
    "A host restores an archive once, unless it is told --again. It cannot know what other hosts do " +
    "with copies of FILE.",
  ],
  examples: [
    { does: "Bring a process to life", line: "phaul restore /backup/redis.phaul" },
    {
      does: "Once more, after that one was ended",
      line: "phaul restore /backup/redis.phaul --again",
    },
  ],
  flags: [
    { title: "What", flags: AGAIN_FLAGS },
    { title: "Checks", flags: CHECK_FLAGS },
    { title: "This host", flags: HOST_FLAGS },
    { title: "Deadlines", flags: TIMEOUT_FLAGS },
  ],
  run: runRestore,
};

async function runRestore(args: readonly string[], context: Context): Promise<number> {
  const { options, json, quiet } = readRestore(args);
  const describe = describeRestoring;
  const reporter = new Reporter(context.terminal, { json, quiet, many: false, describe });
  try {
    const summary = await stoppable(
      (signal) => context.roles.restoreTree(options, (event) => reporter.event(event), signal),
      (name, first) => reporter.line(`${name}: ${first ? "cancelling" : "still cancelling"}`),
      () => reporter.state(),
    );
    if (!quiet) reporter.line(describeRestore(summary));
    reporter.json({ event: "restored", ...summary });
    return EXIT_OK;
  } catch (error) {
    return reporter.failure(asPhaulError(error));
  }
}

/**
 * Reads the command line of `phaul restore`.
 *
 * @throws {PhaulError} "usage".
 */
export function readRestore(args: readonly string[]): {
  options: ArchiveRestoreOptions;
  json: boolean;
  quiet: boolean;
} {
  const [file, ...rest] = args;
  if (file === undefined || file.startsWith("-")) {
    throw usageError("restore", "Cannot do without the FILE, which comes first");
  }
  const values = parseFlags("restore", FLAGS, rest);
  const { stateDir, criuPath, criuSocket, hook, keepImages, again, skippedChecks } = values;
  const { json, quiet } = values;
  const options = {
    archive: filePath(file),
    ...{ stateDir, criuPath, criuSocket, hook, keepImages, again, skippedChecks },
    workDir: imagesDirOf("restore", values),
    timeouts: timeoutsOf(values),
  };
  return { options, json, quiet };
}
