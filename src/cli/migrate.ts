/**
 * `phaul migrate`.
 *
 * @module
 */

import { asPhaulError } from "../errors.ts";
import type { HaulEvent } from "../haul/events.ts";
import type { MigrateOptions, RestoreMode, VictimChoice } from "../haul/options.ts";
import { DESTINATION_FLAGS, destinationOf } from "./archive_flags.ts";
import {
  describeExport,
  describeExporting,
  describeExportWhereabouts,
  isExport,
} from "./archive_words.ts";
import type { Command, Context } from "./command.ts";
import { CRIU_SERVICE_FLAG, ROLE_FLAGS, roleOptions, TIMEOUT_FLAGS } from "./common_flags.ts";
import { BUDGET_FLAGS, budgetOf, LINK_FLAGS, linkOf } from "./convergence_flags.ts";
import { CRIU_FLAGS, criuFlags } from "./criu_flags.ts";
import { showAddress } from "./describe.ts";
import { EXIT_OK, exitCodeOf } from "./exit_codes.ts";
import { maybe, optional, parseFlags, usageError } from "./flags.ts";
import {
  CHECK_FLAGS,
  FILES_FLAGS,
  LIMIT_FLAGS,
  MODE_FLAGS,
  RELEASE_UNIT_FLAG,
  requiredVictim,
  requireFitting,
} from "./migrate_flags.ts";
import { PROBE_FLAGS, probeOf } from "./probe_flags.ts";
import { requireWritable, writeReport } from "./report/write.ts";
import { Reporter } from "./reporter.ts";
import { stoppable } from "./signals.ts";
import { describeSummary } from "./summary.ts";
import { filePath, oneOf, secondsAsMs } from "./values.ts";
import { describeWhereabouts, whereaboutsOf } from "./whereabouts.ts";

const RESTORE_MODES: readonly RestoreMode[] = ["auto", "lazy", "eager"];
const UNIT_FLAGS = {
  releaseUnit: RELEASE_UNIT_FLAG,
} as const;

const ITERATION_FLAGS = { ...MODE_FLAGS, ...LIMIT_FLAGS } as const;

const RESTORE_FLAGS = {
  restoreMode: optional<RestoreMode>({
    name: "restore",
    placeholder: "MODE",
    help:
      "When the tree gets its memory on the destination: lazy (after it runs, by demand, from " +
      "the destination's own memory), eager (before it runs) or auto (lazy where it can be)",
    read: oneOf(RESTORE_MODES),
    fallback: "auto",
    shownDefault: "auto",
  }),
} as const;

const SERVICE_FLAGS = { criuService: CRIU_SERVICE_FLAG } as const;

const FROZEN_FLAGS = {
  maxFrozenMs: maybe({
    name: "max-frozen",
    placeholder: "SECONDS",
    help: "Give the migration up when the tree has been frozen for so long before the commit",
    read: secondsAsMs,
  }),
} as const;

const REPORT_FLAGS = {
  report: maybe({
    name: "report",
    placeholder: "FILE.html",
    help: "Write a page on how it went, whatever the end, for a browser without network",
    read: filePath,
  }),
} as const;

const FLAGS = {
  ...DESTINATION_FLAGS,
  ...CHECK_FLAGS,
  ...UNIT_FLAGS,
  ...FILES_FLAGS,
  ...ITERATION_FLAGS,
  ...RESTORE_FLAGS,
  ...BUDGET_FLAGS,
  ...LINK_FLAGS,
  ...CRIU_FLAGS,
  ...ROLE_FLAGS,
  ...SERVICE_FLAGS,
  ...TIMEOUT_FLAGS,
  ...FROZEN_FLAGS,
  ...PROBE_FLAGS,
  ...REPORT_FLAGS,
} as const;

/** The command. */
export const MIGRATE_COMMAND: Command = {
  name: "migrate",
  summary: "Move a process tree from this host to another",
  usage: "--pid PID --peer HOST[:PORT]|--to-archive FILE [FLAGS]",
  about: [
    "Moves the running process PID and all its descendants to a host where phaul serve runs. " +
    "Exactly one copy runs at every moment: until the commit this host keeps it, whatever fails.",
    "Ctrl-C before the commit cancels: the tree goes on here, and the destination is left clean.",
  ],
  examples: [
    {
      does: "Move process 4711 to dst, whose token lies in /var/lib/phaul/join-token here",
      line: "phaul migrate --pid 4711 --peer dst",
    },
    {
      does: "The same for a program started from a shell, with its TCP connections",
      line: "phaul migrate --pid 4711 --peer dst --shell-job --tcp-established",
    },
    {
      does: "The service redis-server, which systemd does not start again here",
      line: "phaul migrate --unit redis-server --peer dst",
    },
    {
      does: "Into a file, to be restored here or elsewhere later",
      line: "phaul migrate --unit redis-server --to-archive /backup/redis.phaul",
    },
    {
      does: "Let a program read what happens",
      line: "phaul migrate --pid 4711 --peer dst:7284 --token-file dst.token --json",
    },
  ],
  flags: [
    { title: "What and where to", flags: DESTINATION_FLAGS },
    { title: "Checks", flags: CHECK_FLAGS },
    { title: "Under systemd", flags: UNIT_FLAGS },
    { title: "Files", flags: FILES_FLAGS },
    { title: "Iterations", flags: ITERATION_FLAGS },
    { title: "The restore", flags: RESTORE_FLAGS },
    { title: "A downtime budget", flags: BUDGET_FLAGS },
    { title: "The link", flags: LINK_FLAGS },
    { title: "CRIU's options", flags: CRIU_FLAGS },
    { title: "This host", flags: { ...ROLE_FLAGS, ...SERVICE_FLAGS } },
    { title: "Probes", flags: PROBE_FLAGS },
    { title: "Afterwards", flags: REPORT_FLAGS },
    { title: "Deadlines", flags: { ...TIMEOUT_FLAGS, ...FROZEN_FLAGS } },
  ],
  run: runMigrate,
};

async function runMigrate(args: readonly string[], context: Context): Promise<number> {
  const { victim, options: others, json, quiet, report } = readMigrate(args);
  const { archive } = others;
  const describe = archive === undefined ? undefined : describeExporting;
  const reporter = new Reporter(context.terminal, { json, quiet, many: false, describe });
  if (report !== undefined) await requireWritable(report);
  const pid = await context.roles.findVictim(victim);
  const options = { ...others, pid };
  const peer = archive ?? showAddress(options.peer);
  if (options.insecure) {
    reporter.warning("--insecure sends all memory of the process as plain text");
  }
  if (options.channel === "direct") {
    reporter.warning("--channel direct sends all memory of the process as plain text");
  }
  if (options.criuService !== undefined) {
    reporter.warning(
      "--criu-service: all memory is copied while the process is frozen, through files in the work dir",
    );
  }
  let committed = false;
  let moved = false;
  let lent = false;
  let migration: string | undefined;
  const sink = (event: HaulEvent) => {
    committed ||= event.event === "committed";
    moved ||= event.event === "running";
    lent ||= event.event === "lending";
    if ("migration" in event) migration ??= event.migration;
    reporter.event(event);
  };
  const toldAfterwards = async () => {
    if (report === undefined || migration === undefined) return;
    reporter.line(await reportOn(context, options.stateDir, migration, report));
  };
  try {
    const summary = await stoppable(
      (signal) =>
        archive === undefined
          ? context.roles.migrate(options, sink, signal)
          : context.roles.exportTree({ ...options, archive }, sink, signal),
      (name, first) => reporter.line(`${name}: ${stopping({ committed, moved, lent, first })}`),
      () => reporter.state(),
    );
    if (!quiet) {
      const texts = isExport(summary)
        ? describeExport(pid, summary)
        : describeSummary(pid, options.peer, summary);
      for (const text of texts) reporter.line(text);
    }
    reporter.json(
      isExport(summary)
        ? { event: "archived", pid, ...summary }
        : { event: "migrated", pid, peer, ...summary },
    );
    await toldAfterwards();
    return summary.probed?.passed === false ? exitCodeOf("unhealthy") : EXIT_OK;
  } catch (error) {
    const where = whereaboutsOf(error);
    const words = archive === undefined ? describeWhereabouts : describeExportWhereabouts;
    const process = where && { pid, where, text: words(where, pid, peer) };
    const exitCode = reporter.failure(asPhaulError(error), process);
    await toldAfterwards();
    return exitCode;
  }
}

/** How a report came out, in a line: that it cannot be written changes nothing of what happened. */
async function reportOn(
  { roles }: Context,
  stateDir: string,
  migration: string,
  path: string,
): Promise<string> {
  try {
    const past = await roles.history(stateDir);
    const entry = past.find((one) => one.migration === migration && one.side === "source");
    if (entry === undefined) return `No report: migration ${migration} was not written down`;
    await writeReport(entry, path);
    return `Report: ${path}`;
  } catch (error) {
    return asPhaulError(error).message;
  }
}

function stopping(
  { committed, moved, lent, first }: Readonly<
    Record<"committed" | "moved" | "lent" | "first", boolean>
  >,
): string {
  if (moved && lent) return "the process runs on the destination, and still needs memory from here";
  if (moved) return "the process runs on the destination; what is left is not waited for";
  if (committed) return "too late to cancel, the process is being handed over";
  return first ? "cancelling" : "still cancelling";
}

/**
 * Reads the command line of `phaul migrate`.
 *
 * @throws {PhaulError} "usage".
 */
export function readMigrate(args: readonly string[]): {
  victim: VictimChoice;
  options: Omit<MigrateOptions, "pid">;
  json: boolean;
  quiet: boolean;
  /** Where the report goes, if one is wanted. */
  report?: string;
} {
  const values = parseFlags("migrate", FLAGS, args);
  if (values.insecure && values.tokenFile !== undefined) {
    throw usageError("migrate", "Cannot use --token-file with --insecure: no token is asked for");
  }
  const destination = destinationOf(values);
  const victim = requiredVictim("migrate", values);
  const { restoreMode, criuService } = values;
  const conflict = values.channel === "direct"
    ? "--channel direct: it takes no socket"
    : values.maxDowntimeMs === undefined
    ? ""
    : "--max-downtime: nothing is iterated";
  if (criuService !== undefined && conflict !== "") {
    throw usageError("migrate", `Cannot use --criu-service with ${conflict}`);
  }
  requireFitting("migrate", values);
  // Nothing can be copied ahead without a page channel.
  const mode = criuService === undefined ? values.mode : "stop-and-copy";
  const { maxIterations, minPages, maxGrowthPercent, maxFrozenMs } = values;
  const options = {
    ...roleOptions(values),
    ...destination,
    tokenFile: values.tokenFile ?? `${values.stateDir}/join-token`,
    criuService,
    mode,
    restoreMode,
    limits: { maxIterations, minPages, maxGrowthPercent },
    budget: budgetOf({ ...values, mode }),
    ...linkOf(values),
    criu: criuFlags("migrate", values),
    maxFrozenMs,
    probe: probeOf(values),
    // Whoever names the unit means that it leaves this host.
    releaseUnit: values.releaseUnit || victim.by === "unit",
    skippedChecks: values.skippedChecks,
    ...{ fs: values.fs, overwrite: values.overwrite },
  };
  const { json, quiet, report } = values;
  return { victim, options, json, quiet, report };
}
