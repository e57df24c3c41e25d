/**
 * `phaul plan`.
 *
 * @module
 */

import { asPhaulError } from "../errors.ts";
import type { HaulEvent } from "../haul/events.ts";
import type { PlanOptions, VictimChoice } from "../haul/options.ts";
import type { Command, Context } from "./command.ts";
import { ROLE_FLAGS, roleOptions, TIMEOUT_FLAGS } from "./common_flags.ts";
import { BUDGET_FLAGS, LINK_FLAGS, linkOf } from "./convergence_flags.ts";
import { CRIU_FLAGS, criuFlags } from "./criu_flags.ts";
import { showAddress } from "./describe.ts";
import { EXIT_OK, exitCodeOf } from "./exit_codes.ts";
import { parseFlags } from "./flags.ts";
import {
  CHECK_FLAGS,
  FILES_FLAGS,
  LIMIT_FLAGS,
  requiredVictim,
  WHAT_FLAGS,
} from "./migrate_flags.ts";
import { describePlan } from "./planned.ts";
import { Reporter } from "./reporter.ts";
import { stoppable } from "./signals.ts";
import { describeWhereabouts, whereaboutsOf } from "./whereabouts.ts";

const { maxDowntimeMs } = BUDGET_FLAGS;
const ITERATION_FLAGS = { ...LIMIT_FLAGS, maxDowntimeMs } as const;
const { stateDir, workDir, imagesDir, criuPath, insecure, json } = ROLE_FLAGS;
const HOST_FLAGS = { stateDir, workDir, imagesDir, criuPath, insecure, json } as const;

const FLAGS = {
  ...WHAT_FLAGS,
  ...CHECK_FLAGS,
  ...FILES_FLAGS,
  ...ITERATION_FLAGS,
  ...LINK_FLAGS,
  ...CRIU_FLAGS,
  ...HOST_FLAGS,
  ...TIMEOUT_FLAGS,
} as const;

/** The command. */
export const PLAN_COMMAND: Command = {
  name: "plan",
  summary: "Predict a migration by real pre-dumps, and move nothing",
  usage: "--pid PID --peer HOST[:PORT] [FLAGS]",
  about: [
    "Copies memory to the destination as a migration would, for as long as that brings the switchover " +
    "down, and tells what it would take: then the destination throws all of it away. The process stays " +
    "here and runs on; each pre-dump stalls it for an instant.",
  ],
  examples: [
    { does: "How long would process 4711 stand still?", line: "phaul plan --pid 4711 --peer dst" },
    {
      does: "Would it be less than 300 ms? The exit code says so",
      line: "phaul plan --pid 4711 --peer dst --max-downtime 300ms",
    },
  ],
  flags: [
    { title: "What and where to", flags: WHAT_FLAGS },
    { title: "Checks", flags: CHECK_FLAGS },
    { title: "Files", flags: FILES_FLAGS },
    { title: "Iterations", flags: ITERATION_FLAGS },
    { title: "The link", flags: LINK_FLAGS },
    { title: "CRIU's options", flags: CRIU_FLAGS },
    { title: "This host", flags: HOST_FLAGS },
    { title: "Deadlines", flags: TIMEOUT_FLAGS },
  ],
  run: runPlan,
};

async function runPlan(args: readonly string[], context: Context): Promise<number> {
  const { victim, options: others, json } = readPlan(args);
  const { terminal, roles } = context;
  const pid = await roles.findVictim(victim);
  const options = { ...others, pid };
  const reporter = new Reporter(terminal, { json, many: false });
  const sink = (event: HaulEvent) => {
    // The plan says these at its end, and knows what is allowed.
    if (event.event !== "predicted" && event.event !== "converged") reporter.event(event);
  };
  try {
    const report = await stoppable(
      (signal) => roles.plan(options, sink, signal),
      (name) => reporter.line(`${name}: cancelling; the process stays here`),
      () => reporter.state(),
    );
    reporter.json({ event: "planned", peer: showAddress(options.peer), ...report });
    if (!json) terminal.out(`${describePlan(report, options.peer).join("\n")}\n`);
    return report.fits === false ? exitCodeOf("over-budget") : EXIT_OK;
  } catch (error) {
    const where = whereaboutsOf(error);
    const text = where && describeWhereabouts(where, pid, showAddress(options.peer));
    return reporter.failure(asPhaulError(error), where && text ? { pid, where, text } : undefined);
  }
}

/**
 * Reads the command line of `phaul plan`.
 *
 * @throws {PhaulError} "usage".
 */
export function readPlan(args: readonly string[]): {
  victim: VictimChoice;
  options: Omit<PlanOptions, "pid">;
  json: boolean;
} {
  const values = parseFlags("plan", FLAGS, args);
  const victim = requiredVictim("plan", values);
  const { peer, maxIterations, minPages, maxGrowthPercent, maxDowntimeMs } = values;
  const options = {
    ...roleOptions({ ...values, hook: undefined, keepImages: false, durable: false }),
    ...{ peer, maxDowntimeMs },
    tokenFile: values.tokenFile ?? `${values.stateDir}/join-token`,
    restoreMode: "auto",
    limits: { maxIterations, minPages, maxGrowthPercent },
    ...linkOf(values),
    criu: criuFlags("plan", values),
    skippedChecks: values.skippedChecks,
    ...{ fs: values.fs, overwrite: values.overwrite },
  } as const;
  return { victim, options, json: values.json };
}
