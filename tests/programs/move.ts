/** Moves a program between two machines with its files, and looks whether it goes on. */

import type { Place } from "./places.ts";
import type { Moving } from "./moving_ground.ts";

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
export async function move(place: Place, program: Moving): Promise<MoveOutcome> {
  const { alpha, beta } = place;
  const flags = ["--fs", `tree:${program.dir}`, program.flags].join(" ").trim();
  try {
    const pid = await program.start(alpha, beta);
    const run = await place.migrate(pid, flags.split(" "));
    const moved = run.code === 0;
    const verdict = await program.verify(alpha, moved ? beta : alpha);
    const left = `! grep -q '^State:.[^ZX]' /proc/${pid}/status`;
    if (moved) await alpha.run(left);
    const lastEvent = (name: string) => run.events.findLast(({ event }) => event === name);
    const failed = lastEvent("failed");
    const migrated = lastEvent("migrated");
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
    for (const host of [alpha, beta]) await program.end(host);
  }
}
