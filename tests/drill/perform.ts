/** One row, from the start of its workload to the verdict. */

import type { Pair } from "../../src/migrate/tables.ts";
import { pause } from "../integration/host/waiting.ts";
import { type DrillRun, type Ground, isAlive, type Workload } from "./ground.ts";
import { inspect } from "./inspect.ts";
import { provoke } from "./provoke.ts";
import { recover } from "./recover.ts";
import { NotReachedError, type RowResult } from "./result.ts";
import { pairKey, type Row } from "./row.ts";
import { judge } from "./verdict.ts";

/** Ticks that show that it runs, and how long they may take. */
const TICKS = 10;
/** And that it has seen every page of memory that came after it. */
const WHOLE = 40;
const TICKS_MS = 60_000;
const LOOK_MS = 20;

/**
 * Carries a row out.
 *
 * @throws NotReachedError when the migration did not come by the pair; anything else is a defect of
 * the drill
 */
export async function perform(ground: Ground, row: Row, random: () => number): Promise<RowResult> {
  const began = performance.now();
  const destination = await ground.server();
  const told = (await destination.events()).length;
  const workload = await ground.startWorkload(random, row.mode);
  const source = await provoke(ground, row, workload, destination, random);
  const outcome = await outcomeOf(source);
  const recoveredBy = await recover(ground, workload.mark, source, row.expected);
  const verdict = await verdictOn(ground, row, workload);
  const others = ground.runs.filter((run) => run !== destination);
  const pairs = [
    ...await pairsOf(destination, told),
    ...(await Promise.all(others.map((run) => pairsOf(run, 0)))).flat(),
  ];
  requireReached(row, pairs);
  const seconds = (performance.now() - began) / 1000;
  return { row, outcome, recoveredBy, pairs, seconds, ...verdict };
}

async function verdictOn(
  ground: Ground,
  { expected, mode }: Row,
  workload: Workload,
): Promise<Pick<RowResult, "copies" | "troubles" | "runsOn">> {
  const { running, left } = await inspect(ground, workload.mark, expected);
  const silent = running.length > 0 && !await ticksOn(workload, mode ? WHOLE : TICKS);
  const ticks = await workload.ticks();
  const damage = await workload.damage(running[0]);
  const { copies, troubles } = judge({ ticks, expected, running, left, damage });
  const all = [
    ...troubles,
    ...silent ? ["it runs, and the witness hears nothing of it"] : [],
    ...expected === "lost" && !await isSaidToBeLost(ground) ? ["nobody said what is lost"] : [],
  ];
  return { copies, troubles: all, runsOn: running.join(", ") };
}

/** Whether a phaul told that memory is missing that it cannot get any more. */
async function isSaidToBeLost({ runs }: Ground): Promise<boolean> {
  const events = (await Promise.all(runs.map((run) => run.events()))).flat();
  return events.some(({ event, whereabouts, message }) =>
    event === "failed" && whereabouts === "in-doubt" &&
    String(message).includes("without all its memory")
  );
}

/** Whether the witness hears so many more of it than now. */
async function ticksOn(workload: Workload, more: number): Promise<boolean> {
  const before = (await workload.ticks()).length;
  const end = performance.now() + TICKS_MS;
  while (performance.now() < end) {
    if ((await workload.ticks()).length >= before + more) return true;
    await pause(LOOK_MS);
  }
  return false;
}

/** How a `phaul migrate` ended, in a word. */
export async function outcomeOf(source: DrillRun): Promise<string> {
  if (await isAlive(source)) return "goes on";
  const code = await source.code;
  if (code === 0) return "moved";
  if (code > 128) return "killed";
  const failed = (await source.events()).findLast(({ event }) => event === "failed");
  return `${failed?.code ?? "failed"} (${code})`;
}

async function pairsOf(run: DrillRun, from: number): Promise<Pair[]> {
  return (await run.events()).slice(from).flatMap(({ event, side, from, on }) =>
    event === "transition" && (side === "source" || side === "destination")
      ? [{ side, state: String(from), event: String(on) }]
      : []
  );
}

/** A row without a second fault is known to have been there by its transition. */
function requireReached({ pair, fault }: Row, pairs: readonly Pair[]): void {
  if (fault.kind !== "none") return;
  if (pairs.some((one) => pairKey(one) === pairKey(pair))) return;
  throw new NotReachedError(`${pairKey(pair)}: phaul did not come by`);
}
