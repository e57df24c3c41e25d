/** One row on a ground of this host, from the start of its workload to the verdict. */

import type { Pair } from "../../../src/migrate/tables.ts";
import type { PhaulRun } from "../../integration/host/phaul.ts";
import { Victim } from "../../integration/host/victim.ts";
import { pause } from "../../integration/host/waiting.ts";
import type { Plan } from "../plan.ts";
import { NotReachedError, type RowResult } from "../result.ts";
import { type Fault, pairKey, type Row } from "../row.ts";
import { judge } from "../verdict.ts";
import { type Ground, isAlive, WITNESS_ADDRESS } from "./ground.ts";
import { type Cast, inject, type Mend } from "./inject.ts";
import { inspect } from "./inspect.ts";
import { recover } from "./recover.ts";

/** Ticks that show that it runs. */
const TICKS = 10;
const LOOK_MS = 5;
/** Nothing on the way to an event takes so long, however busy the machine is. */
const REACH_MS = 60_000;
const END_MS = 90_000;
const PAGES = [16, 64, 512, 4096] as const;

let count = 0;

/**
 * Carries a row out.
 *
 * @throws NotReachedError when the migration did not come by the pair; anything else is a defect of
 * the drill
 */
export async function perform(ground: Ground, row: Row, random: () => number): Promise<RowResult> {
  const began = performance.now();
  const workload = `w${++count}`;
  const victim = await startVictim(ground, workload, random);
  const firstRun = ground.runs.length;
  const destination = await ground.server();
  const runs = [destination, ...ground.runs.slice(firstRun)];
  const before = (await destination.events()).length;
  const source = await provoke(ground, row, victim, destination, random);
  const outcome = await outcomeOf(source);
  const recoveredBy = await recover(ground, victim.path, source, row.expected);
  const { running, left } = await inspect(ground, victim.path);
  if (running.length > 0) await ground.witness.waitForTicks(workload, TICKS);
  const verdict = judge({
    ticks: await ground.witness.ticks(workload),
    expected: row.expected,
    running,
    left,
    damage: await damageOf(victim),
  });
  const later = [...runs, ...ground.runs.slice(firstRun)];
  const pairs = (await Promise.all([...new Set(later)].map((run) =>
    pairsOf(run, run === destination ? before : 0)
  ))).flat();
  requireReached(row, pairs);
  return {
    ...{ row, outcome, recoveredBy, pairs, copies: verdict.copies, troubles: verdict.troubles },
    runsOn: running.join(", "),
    seconds: (performance.now() - began) / 1000,
  };
}

async function startVictim(ground: Ground, name: string, random: () => number): Promise<Victim> {
  const { alpha, dir } = ground.world;
  const pages = PAGES[Math.floor(random() * PAGES.length)];
  const kind = random() < 0.5 ? "counter" : "tree";
  const witness = { name, address: WITNESS_ADDRESS };
  return await Victim.start(alpha.host, `${dir}/numbers-${name}`, { kind, pages, witness });
}

/** Brings the migration to the pair, and the fault to the migration; returns when all is over. */
async function provoke(
  ground: Ground,
  row: Row,
  victim: Victim,
  destination: PhaulRun,
  random: () => number,
): Promise<PhaulRun> {
  const { fault, approach, pair } = row;
  const done = fault.kind === "message" ? await armProxy(ground, fault, random()) : undefined;
  const stopAt = approach?.at ?? (done ? undefined : pair);
  if (stopAt) await arm(ground, stopAt);
  const source = await ground.migrate(victim.pid, done ? "proxy" : "server");
  const cast = (at: Pair): Cast => ({
    ...{ ground, source, destination, numbers: victim.path, held: at.side },
  });
  const mends: Mend[] = [];
  if (stopAt) await reached(ground, stopAt, source);
  if (approach && !done && fault.kind !== "none") {
    await arm(ground, pair);
    mends.push(await inject(cast(approach.at), approach.first));
    await reached(ground, pair, source);
    mends.push(await inject(cast(pair), fault));
  } else if (approach) mends.push(await inject(cast(approach.at), approach.first));
  else if (stopAt) mends.push(await inject(cast(stopAt), fault));
  for (const mend of mends) await mend();
  await ended(source);
  if (done) await requireDone(ground, row, done);
  return source;
}

async function armProxy(
  ground: Ground,
  { direction, message, act }: Extract<Fault, { kind: "message" }>,
  place: number,
): Promise<string> {
  const plan: Plan = { id: crypto.randomUUID(), direction, message, nth: 1, act, place };
  await Deno.writeTextFile(ground.planFile, JSON.stringify(plan));
  return plan.id;
}

async function requireDone(ground: Ground, row: Row, id: string): Promise<void> {
  const done = await Deno.readTextFile(`${ground.planFile}.done`).catch(() => "");
  if (done !== id) throw new NotReachedError(`${pairKey(row.pair)}: its message never came`);
}

/** The next phaul on the pair's host that comes by the pair stands still there. */
async function arm(ground: Ground, { side, state, event }: Pair): Promise<void> {
  const path = stopFileOf(ground, side);
  await Deno.remove(`${path}.reached`).catch(() => {});
  await Deno.writeTextFile(path, `1 "side":"${side}","from":"${state}","on":"${event}"`);
}

async function reached(ground: Ground, pair: Pair, source: PhaulRun): Promise<void> {
  const path = `${stopFileOf(ground, pair.side)}.reached`;
  const end = performance.now() + REACH_MS;
  for (;;) {
    const wasOver = !await isAlive(source);
    if (await Deno.stat(path).then(() => true, () => false)) return;
    // What a destination does after its source has gone it does at once.
    if (wasOver && pair.side === "destination") await pause(500);
    if (wasOver && await Deno.stat(path).then(() => true, () => false)) return;
    if (wasOver || performance.now() > end) {
      await Deno.remove(stopFileOf(ground, pair.side)).catch(() => {});
      throw new NotReachedError(`${pairKey(pair)}: phaul did not come by; ${await outcomeOf(source)}`);
    }
    await pause(LOOK_MS);
  }
}

function stopFileOf({ stopFile, world }: Ground, side: "source" | "destination"): string {
  return stopFile(side === "source" ? world.alpha : world.beta);
}

async function ended(source: PhaulRun): Promise<void> {
  const end = performance.now() + END_MS;
  while (await isAlive(source)) {
    if (performance.now() > end) throw new Error(`phaul migrate does not end: ${await source.said()}`);
    await pause(LOOK_MS);
  }
}

async function outcomeOf(source: PhaulRun): Promise<string> {
  if (await isAlive(source)) return "goes on";
  const code = await source.code;
  if (code === 0) return "moved";
  if (code > 128) return "killed";
  const failed = (await source.events()).findLast(({ event }) => event === "failed");
  return `${failed?.code ?? "failed"} (${code})`;
}

async function damageOf(victim: Victim): Promise<string | undefined> {
  return await victim.lines().then(() => undefined, (error) => String(error));
}

async function pairsOf(run: PhaulRun, from: number): Promise<Pair[]> {
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
