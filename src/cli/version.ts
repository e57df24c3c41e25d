/**
 * `phaul version`.
 *
 * @module
 */

import { asPhaulError } from "../errors.ts";
import type { CriuChoice } from "../haul/options.ts";
import { type BuildInfo, readBuildInfo } from "./build_info.ts";
import type { Command, Context } from "./command.ts";
import { CRIU_FLAG, CRIU_SERVICE_FLAG, JSON_FLAG } from "./common_flags.ts";
import { EXIT_OK } from "./exit_codes.ts";
import { parseFlags } from "./flags.ts";
import { Reporter } from "./reporter.ts";

const FLAGS = {
  ...{ criuPath: CRIU_FLAG, criuService: CRIU_SERVICE_FLAG, json: JSON_FLAG },
} as const;
/** Digits of a commit that people quote. */
const SHOWN_COMMIT_DIGITS = 12;

/** The command. */
export const VERSION_COMMAND: Command = {
  name: "version",
  summary: "Show the versions of phaul, of Deno under it and of the criu found",
  usage: "[FLAGS]",
  about: ["Also says whether this is a release or a development build. Needs no root and no criu."],
  examples: [
    { does: "All versions", line: "phaul version" },
    { does: "For a program", line: "phaul version --json" },
  ],
  flags: [{ title: "Flags", flags: FLAGS }],
  run: runVersion,
};

async function runVersion(args: readonly string[], context: Context): Promise<number> {
  const { json, ...choice } = parseFlags("version", FLAGS, args);
  const build = readBuildInfo();
  const deno = Deno.version.deno;
  const criu = await findCriu(context, choice);
  if (json) {
    const reporter = new Reporter(context.terminal, { json, many: false });
    reporter.json({ event: "version", phaul: build, deno, criu });
    return EXIT_OK;
  }
  const found = "missing" in criu
    ? `not usable: ${criu.missing}`
    : `${criu.version} (${criu.path})`;
  context.terminal.out(`phaul ${describeBuild(build)}\nDeno ${deno}\nCRIU ${found}\n`);
  return EXIT_OK;
}

/** A criu that is missing or unusable is an answer here, not a failure. */
async function findCriu(context: Context, choice: CriuChoice) {
  try {
    return await context.roles.findCriu(choice);
  } catch (error) {
    const { message, remedy } = asPhaulError(error);
    return { missing: remedy === undefined ? message : `${message}\n  ${remedy}` };
  }
}

/** The version of phaul with the making of this program: `0.1.0 (development build of 3d0cde6)`. */
export function describeBuild(build: BuildInfo): string {
  if (build.kind === "source") return `${build.version} (run from its sources)`;
  const commit = build.commit?.slice(0, SHOWN_COMMIT_DIGITS);
  const of = commit === undefined ? "" : ` of ${commit}${build.modified ? " with changes" : ""}`;
  return `${build.version} (${build.kind} build${of})`;
}
