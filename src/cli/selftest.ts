/**
 * `phaul selftest`.
 *
 * @module
 */

import { asPhaulError } from "../errors.ts";
import type { Command, Context } from "./command.ts";
import { CRIU_FLAG, JSON_FLAG, WORK_DIR_FLAG } from "./common_flags.ts";
import { EXIT_OK } from "./exit_codes.ts";
import { showMs } from "./figures.ts";
import { parseFlags } from "./flags.ts";
import { Reporter } from "./reporter.ts";
import { stoppable } from "./signals.ts";

const FLAGS = { criuPath: CRIU_FLAG, workDir: WORK_DIR_FLAG, json: JSON_FLAG } as const;

/** The command. */
export const SELFTEST_COMMAND: Command = {
  name: "selftest",
  summary: "Migrate a small counter on this host: does everything here work?",
  usage: "[FLAGS]",
  about: [
    "Starts a counter in a pid namespace of its own, migrates it to a destination on this same host, " +
    "and checks that it counts on without gap or repetition. It leaves nothing behind, and says " +
    "what is missing if it cannot.",
  ],
  examples: [
    { does: "Try this host", line: "phaul selftest" },
    { does: "Try it with a criu of your own", line: "phaul selftest --criu ./criu/criu" },
  ],
  flags: [{ title: "Flags", flags: FLAGS }],
  run: runSelftest,
};

async function runSelftest(args: readonly string[], context: Context): Promise<number> {
  const { criuPath, workDir, json } = parseFlags("selftest", FLAGS, args);
  const reporter = new Reporter(context.terminal, { json, many: false });
  try {
    const report = await stoppable(
      (signal) =>
        context.roles.selftest({ criuPath, workDir }, (event) => reporter.event(event), signal),
      (name) => reporter.line(`${name}: ending`),
    );
    const { countedBefore, countedAfter, summary } = report;
    reporter.line(
      `This host can migrate: the counter went from ${countedBefore} to ${countedAfter} without gap ` +
        `or repetition, switched over in ${showMs(summary.switchoverMs)}`,
    );
    reporter.json({ event: "selftest-passed", ...report });
    return EXIT_OK;
  } catch (error) {
    return reporter.failure(asPhaulError(error));
  }
}
