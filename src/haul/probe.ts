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
import { type ProgramContext, runProgram } from "./program.ts";
import type { SourceParts } from "./source_parts.ts";
import type { Stages } from "./stages.ts";
import { CONNECTION_LOST } from "./verdicts.ts";

const PAUSE_MS = 500;

/** What is probed, on the destination. */
export interface ProbedTree {
  readonly migration: string;
  readonly state: DestinationState;
  /** Root of the tree on this host. */
  readonly pid: number | undefined;
}

/** The probes of one tree on its destination; what is running ends with the state that it was begun in. */
export class Probes {
  #moment = new AbortController();

  /** Ends what runs: the tree is about to do something else. */
  end(): void {
    this.#moment.abort();
    this.#moment = new AbortController();
  }

  /**
   * Runs the command of `request` on this host, by a shell.
   *
   * @throws PhaulError `protocol` when there is no tree to be probed
   */
  async run(request: ProbeRequest, tree: ProbedTree, stages: Stages): Promise<ProbedReply> {
    const { migration, state, pid } = tree;
    if (state !== "prepared" && state !== "running") throw outOfTurn("probe", tree);
    const env = {
      PHAUL_MIGRATION: migration,
      PHAUL_STAGE: state,
      ...(pid === undefined ? {} : { PHAUL_PID: String(pid) }),
    };
    const given = { env, input: "", signal: this.#moment.signal };
    const runs = state === "running";
    const { passed, how } = await (runs ? untilPassed : once)(request, given);
    stages.tell({ event: "probed", migration, runs, passed, how });
    return { type: "probed", passed, how };
  }
}

async function once(
  { command, timeoutMs }: Pick<ProbeRequest, "command" | "timeoutMs">,
  given: ProgramContext,
): Promise<ProbedReply & { readonly killed: boolean }> {
  const ended = await runProgram("/bin/sh", ["-c", command], given, timeoutMs).catch((error) => ({
    ...{ success: false, killed: false, how: `cannot be run: ${asPhaulError(error).message}` },
  }));
  return { type: "probed", passed: ended.success, how: ended.how, killed: ended.killed };
}

async function untilPassed(
  { command, timeoutMs }: ProbeRequest,
  given: ProgramContext,
): Promise<ProbedReply> {
  const until = performance.now() + timeoutMs;
  let how: string | undefined;
  for (;;) {
    const left = Math.max(1, Math.ceil(until - performance.now()));
    const { killed, ...probed } = await once({ command, timeoutMs: left }, given);
    if (probed.passed || given.signal?.aborted) return probed;
    // The last one may not have had the time to say what is wrong.
    if (!killed || how === undefined) how = probed.how;
    if (performance.now() + PAUSE_MS > until) return { ...probed, how };
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

/**
 * Has the tree probed that runs on the destination; undefined when that was not asked for.
 *
 * @param signal Ends the wait.
 */
export async function probeRunning(
  asking: Asking,
  signal: AbortSignal | undefined,
): Promise<Probed | undefined> {
  const { options: { probe }, stages, migration } = asking;
  if (probe?.running === undefined) return undefined;
  const { passed, how } = await askUntil(asking, probe.running, probe.timeoutMs, signal);
  stages.tell({ event: "probed", migration, runs: true, passed, how });
  return { passed, how };
}

/** The hook of the moment before may have moved an address, and the link with it. */
async function askUntil(
  asking: Asking,
  command: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Probed> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    try {
      if (!asking.peer.connected) await asking.peer.reconnect(signal);
      return await ask(asking, command, timeoutMs, signal);
    } catch (cause) {
      if (signal?.aborted) return { passed: false, how: "was not waited for" };
      const error = asPhaulError(cause);
      const lost = CONNECTION_LOST.has(error.code);
      if (!lost || performance.now() + PAUSE_MS > until) {
        return { passed: false, how: `could not be asked for: ${error.message}` };
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

async function ask(
  { peer, migration }: Asking,
  command: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<ProbedReply> {
  const request = { type: "probe", migrationId: migration, command, timeoutMs } as const;
  return await peer.request(request, { signal, extraMs: timeoutMs });
}
