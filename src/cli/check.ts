/**
 * `phaul check`.
 *
 * @module
 */

import type { CheckOptions, HostAddress } from "../haul/options.ts";
import type { Command, Context } from "./command.ts";
import { CRIU_SERVICE_FLAG, ROLE_FLAGS, TIMEOUT_FLAGS, timeoutsOf } from "./common_flags.ts";
import { CRIU_FLAGS, criuFlags } from "./criu_flags.ts";
import { showAddress } from "./describe.ts";
import { EXIT_OK, EXIT_WARNINGS, exitCodeOf } from "./exit_codes.ts";
import { describeReport, tally } from "./findings.ts";
import { maybe, parseFlags } from "./flags.ts";
import {
  FILES_FLAGS,
  RELEASE_UNIT_FLAG,
  TOKEN_FILE_FLAG,
  VICTIM_FLAGS,
  victimOf,
} from "./migrate_flags.ts";
import { Reporter } from "./reporter.ts";
import { stoppable } from "./signals.ts";
import { peerAddress } from "./values.ts";

/** No line is easier to read for being longer. */
const MAX_COLUMNS = 100;

const WHAT_FLAGS = {
  ...VICTIM_FLAGS,
  peer: maybe<HostAddress>({
    name: "peer",
    placeholder: "HOST[:PORT]",
    help: "Ask the phaul serve there as well, and compare both hosts",
    read: peerAddress,
  }),
  tokenFile: TOKEN_FILE_FLAG,
} as const;

const UNIT_FLAGS = { releaseUnit: RELEASE_UNIT_FLAG } as const;

const { stateDir, workDir, criuPath, insecure, json } = ROLE_FLAGS;
const HOST_FLAGS = {
  ...{ stateDir, workDir, criuPath, criuService: CRIU_SERVICE_FLAG, insecure, json },
} as const;

const FLAGS = {
  ...WHAT_FLAGS,
  ...UNIT_FLAGS,
  ...FILES_FLAGS,
  ...CRIU_FLAGS,
  ...HOST_FLAGS,
  ...TIMEOUT_FLAGS,
} as const;

/** The command. */
export const CHECK_COMMAND: Command = {
  name: "check",
  summary: "Tell what would stop or spoil a migration, and what to do about it",
  usage: "[--pid PID] [--peer HOST[:PORT]] [FLAGS]",
  about: [
    "Looks at this host, at a process tree and at the host where phaul serve runs, as far as they " +
    "are named; nothing is frozen or changed anywhere. phaul migrate checks the same before it begins.",
    "Give it the flags that the migration will have: what they allow is no blocker any more.",
  ],
  examples: [
    { does: "Is this host fit to send processes?", line: "phaul check" },
    {
      does: "Can process 4711 move to dst as it is?",
      line: "phaul check --pid 4711 --peer dst",
    },
  ],
  flags: [
    { title: "What to look at", flags: WHAT_FLAGS },
    { title: "Under systemd", flags: UNIT_FLAGS },
    { title: "Files", flags: FILES_FLAGS },
    { title: "CRIU's options", flags: CRIU_FLAGS },
    { title: "This host", flags: HOST_FLAGS },
    { title: "Deadlines", flags: TIMEOUT_FLAGS },
  ],
  run: runCheck,
};

async function runCheck(args: readonly string[], context: Context): Promise<number> {
  const values = parseFlags("check", FLAGS, args);
  const { peer, insecure, workDir, criuPath, criuService, stateDir } = values;
  const victim = victimOf("check", values);
  const releaseUnit = values.releaseUnit || victim?.by === "unit";
  const pid = victim && await context.roles.findVictim(victim);
  const options: CheckOptions = {
    ...{ pid, peer, insecure, workDir, criuPath, criuService, releaseUnit },
    ...{ fs: values.fs, overwrite: values.overwrite },
    tokenFile: values.tokenFile ?? `${stateDir}/join-token`,
    criu: criuFlags("check", values),
    timeouts: timeoutsOf(values),
  };
  const { terminal, roles } = context;
  const reporter = new Reporter(terminal, { json: values.json, many: false });
  const report = await stoppable((signal) => roles.check(options, signal), (name) => {
    reporter.line(`${name}: ending`);
  });
  const found = tally(report.findings);
  if (values.json) {
    const { cpuinfo: _, ...source } = report.source;
    const { cpuinfo: _there, ...destination } = report.destination ?? { cpuinfo: undefined };
    for (const { code, severity, on, message, remedy } of report.findings) {
      reporter.json({ event: "finding", code, severity, on, message, remedy });
    }
    const hosts = report.destination ? { source, destination } : { source };
    reporter.json({ event: "report", ...found, ...report.tree, ...hosts });
  } else {
    const columns = Math.min(terminal.columns(), MAX_COLUMNS);
    const lines = describeReport(report, columns, peer && showAddress(peer));
    terminal.out(`${lines.join("\n")}\n`);
  }
  if (found.blocker > 0) return exitCodeOf("blocked");
  return found.warning > 0 ? EXIT_WARNINGS : EXIT_OK;
}
