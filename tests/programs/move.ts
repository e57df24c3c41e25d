/** Moves a program between two machines with its files, and looks whether it goes on. */

import type { Pair } from "../../vm/pair.ts";
import {
  expectClean,
  finish,
  lastEvent,
  serve,
  shareToken,
  startMigration,
} from "../../vm/phaul.ts";
import type { Moving } from "./moving_ground.ts";

/** Machines that are emulated on a busy one take long to answer; `phaul serve` takes the same. */
const PATIENCE = "--connect-timeout 90 --peer-timeout 90 --step-timeout 300 --stall-timeout 120";

/** What became of one program. */
export interface MoveOutcome {
  readonly program: Moving;
  /** All flags of `phaul migrate` but those for the peer and the process. */
  readonly flags: string;
  /** `moved`, or the code with which phaul refused or gave up. */
  readonly ended: string;
  /** What phaul itself said of a refusal. */
  readonly reason?: string;
  readonly switchoverMs?: number;
  readonly gapMs?: number;
  readonly found: string;
  /** What is wrong, when something is. */
  readonly wrong?: string;
}

/** Starts `program` on alpha and moves it to beta. */
export async function move(pair: Pair, program: Moving): Promise<MoveOutcome> {
  const { alpha, beta } = pair;
  const flags = ["--fs", `tree:${program.dir}`, program.flags].join(" ").trim();
  const server = await serve(beta, { args: `--allow-path /srv ${PATIENCE}` });
  try {
    await shareToken(alpha, beta);
    const pid = await program.start(alpha, beta);
    const args = `${flags} ${PATIENCE}`;
    const run = await finish(await startMigration(alpha, beta, { pid }, { args }));
    const moved = run.code === 0;
    const verdict = await program.verify(alpha, moved ? beta : alpha);
    if (moved && await alpha.hasProcess(pid)) throw new Error("It is still on the source, too");
    await expectClean(alpha);
    const failed = lastEvent(run, "failed");
    const migrated = lastEvent(run, "migrated");
    return {
      ...{ program, flags, ended: moved ? "moved" : String(failed?.code ?? run.code) },
      reason: moved ? undefined : String(failed?.message ?? run.said),
      switchoverMs: moved ? Number(migrated?.switchoverMs) : undefined,
      gapMs: moved ? verdict.gapMs : undefined,
      found: moved ? verdict.found : `it stayed, whole: ${verdict.found}`,
    };
  } catch (error) {
    const wrong = error instanceof Error ? error.message : String(error);
    return { program, flags, ended: "-", found: "", wrong };
  } finally {
    await server.stop();
    server[Symbol.dispose]();
    for (const host of [alpha, beta]) await program.end(host);
  }
}
