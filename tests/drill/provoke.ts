/** Brings a migration to the pair of a row, and the fault to the migration. */

import type { Pair, Side } from "../../src/migrate/tables.ts";
import { pause } from "../integration/host/waiting.ts";
import { type DrillHost, type DrillRun, type Ground, isAlive, type Workload } from "./ground.ts";
import { type Cast, inject, type Mend } from "./inject.ts";
import { NotReachedError } from "./result.ts";
import { type Approach, type Fault, pairKey, type Row } from "./row.ts";

const LOOK_MS = 10;
/** For a signal or the end of a connection to be noticed. */
const LINGER_MS = 300;
/** For the silence of a peer to be noticed, whatever deadline a ground gives. */
const UNHEARD_MS = 5_000;
/** What a destination does when its source is gone it does soon. */
const AFTERWARDS_MS = 1_500;
/** The source's word on how far the destination is with memory that was left in the tree. */
const IN_DRAIN = `"event":"draining"`;
/** Nothing on the way to an event, or to the end, takes so long, however busy the machine is. */
const REACH_MS = 90_000;
const END_MS = 120_000;

/**
 * Starts the migration, brings the fault, mends what lasts, and returns when `phaul migrate` has ended.
 *
 * @throws NotReachedError when the migration did not come by the pair
 */
export async function provoke(
  ground: Ground,
  row: Row,
  workload: Workload,
  destination: DrillRun,
  random: () => number,
): Promise<DrillRun> {
  const { fault, approach, pair, mode } = row;
  const plan = fault.kind === "message" ? await armProxy(ground, fault, random()) : undefined;
  const stopAt = approach?.at ?? (plan ? undefined : pair);
  if (row.inDrain) await ground.alpha.stopAt(IN_DRAIN);
  else if (stopAt) await arm(ground, stopAt);
  const source = await ground.migrate(workload.pid, plan ? "proxy" : "server", mode);
  const cast = (at: Pair): Cast => ({
    ...{ ground, source, destination, mark: workload.mark, held: at.side },
  });
  const mends: Mend[] = [];
  if (stopAt) await reached(ground, stopAt, source);
  if (approach?.then) {
    mends.push(await inject(cast(approach.at), approach.first));
    mends.push(await duringRecovery(cast(pair), row, approach.then));
  } else if (approach) {
    const second = !plan && fault.kind !== "none";
    if (second) await arm(ground, pair);
    mends.push(await bringAlong(cast(approach.at), pair, approach));
    if (second) await reached(ground, pair, source);
    if (second) mends.push(await inject(cast(pair), fault));
  } else if (stopAt) mends.push(await inject(cast(stopAt), fault));
  for (const mend of mends) await mend();
  await ended(source);
  if (plan && await ground.planDone() !== plan) {
    throw new NotReachedError(`${pairKey(pair)}: its message never came`);
  }
  return source;
}

/** The first fault, with the side kept in its state meanwhile if it would leave that at once. */
async function bringAlong(cast: Cast, pair: Pair, { first, hook }: Approach): Promise<Mend> {
  if (hook === undefined) return await inject(cast, first);
  let mend: Mend | undefined;
  await hostOf(cast.ground, pair.side).keptAt(hook, async () => {
    mend = await inject(cast, first);
    await pause(first.kind === "cut" ? UNHEARD_MS : LINGER_MS);
  });
  return async () => await mend?.();
}

/** Starts the phaul that recovers, and brings the fault when that comes by the pair. */
async function duringRecovery(
  cast: Cast,
  { pair, fault }: Row,
  how: "recover" | "serve",
): Promise<Mend> {
  const { ground } = cast;
  await arm(ground, pair);
  if (how === "recover") {
    const source = await ground.recover(ground.alpha);
    await reached(ground, pair, source);
    return await inject({ ...cast, source }, fault);
  }
  const { run, ready } = await ground.startServer();
  // It may be killed before it listens.
  ready.catch(() => {});
  await reached(ground, pair, run);
  return await inject({ ...cast, destination: run }, fault);
}

async function armProxy(
  ground: Ground,
  { direction, message, act }: Extract<Fault, { kind: "message" }>,
  place: number,
): Promise<string> {
  const id = crypto.randomUUID();
  await ground.plan({ id, direction, message, nth: 1, act, place });
  return id;
}

/** The next phaul on the pair's host that comes by the pair stands still there. */
async function arm(ground: Ground, { side, state, event }: Pair): Promise<void> {
  await hostOf(ground, side).stopAt(`"side":"${side}","from":"${state}","on":"${event}"`);
}

async function reached(ground: Ground, pair: Pair, source: DrillRun): Promise<void> {
  const host = hostOf(ground, pair.side);
  const end = performance.now() + REACH_MS;
  while (performance.now() < end) {
    const wasOver = !await isAlive(source);
    if (wasOver && pair.side === "destination") await pause(AFTERWARDS_MS);
    if (await host.hasStopped()) return;
    if (wasOver) break;
    await pause(LOOK_MS);
  }
  await host.forgetStop();
  throw new NotReachedError(`${pairKey(pair)}: phaul did not come by`);
}

function hostOf(ground: Ground, side: Side): DrillHost {
  return side === "source" ? ground.alpha : ground.beta;
}

async function ended(source: DrillRun): Promise<void> {
  const end = performance.now() + END_MS;
  while (await isAlive(source)) {
    if (performance.now() > end) {
      throw new Error(`phaul migrate does not end: ${await source.said()}`);
    }
    await pause(LOOK_MS);
  }
}
