/**
 * A probe: an operator's command that says on the destination how the tree does there.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import type { DestinationState } from "../migrate/tables.ts";
import type { ProbedReply, ProbeRequest } from "../wire/mod.ts";
import { outOfTurn } from "./answers.ts";
import type { Probed } from "./events.ts";
import { runProgram } from "./program.ts";
import type { SourceParts } from "./source_parts.ts";

const PAUSE_MS = 500;

/** What is probed, on the destination. */
export interface ProbedTree {
  readonly migration: string;
  readonly state: DestinationState;
  /** Root of the tree on this host. */
  readonly pid: number | undefined;
}

/**
 * Runs the command of `request` on this host, by a shell.
 *
 * @throws PhaulError `protocol` when there is no tree to be probed
 */
export async function runProbe(request: ProbeRequest, tree: ProbedTree): Promise<ProbedReply> {
  const { command, timeoutMs } = request;
  const { migration, state } = tree;
  if (state !== "prepared" && state !== "running") throw outOfTurn("probe", tree);
  const env = {
    PHAUL_MIGRATION: migration,
    PHAUL_STAGE: state,
    ...(tree.pid === undefined ? {} : { PHAUL_PID: String(tree.pid) }),
  };
  const until = performance.now() + timeoutMs;
  for (;;) {
    const leftMs = Math.max(1, Math.ceil(until - performance.now()));
    const given = { env, input: "" };
    const { success, how } = await runProgram("/bin/sh", ["-c", command], given, leftMs)
      .catch((error) => ({ success: false, how: `cannot run: ${asPhaulError(error).message}` }));
    if (success || state === "prepared" || performance.now() + PAUSE_MS > until) {
      return { type: "probed", passed: success, how };
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** What a source asks its probes with. */
type Asking = Pick<SourceParts, "peer" | "migration" | "options" | "stages">;

/**
 * Has the tree probed that stands on the destination, when that was asked for.
 *
 * @throws PhaulError `probe-failed`, and what a request throws
 */
export async function probeStopped(asking: Asking): Promise<void> {
  const { peer, migration, options: { probe }, stages } = asking;
  if (probe?.stopped === undefined) return;
  const { passed, how } = await ask(asking, probe.stopped, probe.timeoutMs);
  stages.tell({ event: "probed", migration, runs: false, passed, how });
  if (passed) return;
  throw new PhaulError(
    "probe-failed",
    `Cannot commit: the probe of the stopped copy on ${peer.name} ${how}`,
    { remedy: "Mend what it found there, or migrate without --probe-stopped" },
  );
}

/** Has the tree probed that runs on the destination; undefined when that was not asked for. */
export async function probeRunning(asking: Asking): Promise<Probed | undefined> {
  const { migration, options: { probe }, stages } = asking;
  if (probe?.running === undefined) return undefined;
  const { passed, how } = await ask(asking, probe.running, probe.timeoutMs).catch((error) => ({
    passed: false,
    how: `could not be asked for: ${asPhaulError(error).message}`,
  }));
  stages.tell({ event: "probed", migration, runs: true, passed, how });
  return { passed, how };
}

async function ask(
  { peer, migration }: Asking,
  command: string,
  timeoutMs: number,
): Promise<ProbedReply> {
  const request = { type: "probe", migrationId: migration, command, timeoutMs } as const;
  return await peer.request(request, { extraMs: timeoutMs });
}
