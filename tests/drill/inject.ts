/** Carries a fault out. */

import { pause } from "../integration/host/waiting.ts";
import {
  criuOf,
  type DrillHost,
  type DrillRun,
  faultServers,
  type Ground,
  isAlive,
} from "./ground.ts";
import { FILLER } from "./inspect.ts";
import type { Disk, Fault, Part } from "./row.ts";

/** Longer than any deadline that the drill gives to phaul. */
const PATIENCE_MS = 9_000;
const LOOK_MS = 50;
/** What is about to be started may take a moment to be there. */
const APPEARS_MS = 2_000;

/** Who takes part in a row. */
export interface Cast {
  readonly ground: Ground;
  readonly source: DrillRun;
  readonly destination: DrillRun;
  /** By which the workload's processes are known. */
  readonly mark: string;
  /** Of the phaul that stands at an event. */
  readonly held: "source" | "destination";
}

/** A fault that lasts: what ends it again. */
export type Mend = () => Promise<void>;

/**
 * Brings the fault about, and lets the phaul that was held go on, unless it is dead.
 *
 * @returns what mends it, once nobody waits for it any more
 * @throws Error when there was nothing to kill or to stop
 */
export async function inject(cast: Cast, fault: Fault): Promise<Mend> {
  switch (fault.kind) {
    case "none":
    case "message":
      await goOn(cast);
      return () => Promise.resolve();
    case "kill":
      await end(await pidsOf(cast, fault.part));
      await goOn(cast);
      return () => Promise.resolve();
    case "stop":
      return await standStill(cast, fault.part);
    case "signal":
      await interrupt(cast, fault.to);
      await goOn(cast);
      return () => Promise.resolve();
    case "cut":
      return await cut(cast);
    case "fill":
      return await fill(cast, fault.disk);
    case "reset":
      await cast.ground.reset(fault.host === "source" ? cast.ground.alpha : cast.ground.beta);
      if (fault.host !== cast.held) await goOn(cast);
      return () => Promise.resolve();
    default:
      return fault satisfies never;
  }
}

/** Lets the held phaul go on. */
async function goOn({ ground, source, destination, held }: Cast): Promise<void> {
  if (held === "source") await ground.alpha.signal(source.pid, "CONT");
  else await ground.beta.signal(destination.pid, "CONT");
}

/** As a person at the source does, or a supervisor of the destination. */
async function interrupt({ ground, source, destination }: Cast, who: Cast["held"]): Promise<void> {
  if (who === "source") await ground.alpha.signal(source.pid, "INT");
  else await ground.beta.signal(destination.pid, "TERM");
}

type Pids = readonly (readonly [DrillHost, number])[];

async function signalAll(pids: Pids, signal: string): Promise<void> {
  for (const [host, pid] of pids) await host.signal(pid, signal);
}

/** Kills, and waits until nothing of it can go on: a busy machine takes a while to end a process. */
async function end(pids: Pids): Promise<void> {
  await signalAll(pids, "KILL");
  const deadline = performance.now() + APPEARS_MS;
  for (const [host, pid] of pids) {
    const lives = async () =>
      (await host.processes()).some((one) => one.pid === pid && !/[ZX]/.test(one.state));
    while (performance.now() < deadline && await lives()) await pause(LOOK_MS);
  }
}

/** Stops a part for as long as anybody waits for it. */
async function standStill(cast: Cast, part: Part): Promise<Mend> {
  const pids = await pidsOf(cast, part);
  await signalAll(pids, "STOP");
  const isHeld = part === `${cast.held} phaul`;
  if (!isHeld) await goOn(cast);
  const told = (await cast.destination.events()).length;
  return async () => {
    await noMoreWaiting(cast, part === "source phaul" ? told : undefined);
    await signalAll(pids, "CONT");
  };
}

async function cut(cast: Cast): Promise<Mend> {
  await cast.ground.link("down");
  await goOn(cast);
  return async () => {
    await noMoreWaiting(cast);
    await cast.ground.link("up");
  };
}

async function fill(cast: Cast, disk: Disk): Promise<Mend> {
  const { alpha, beta } = cast.ground;
  const host = disk.startsWith("source") ? alpha : beta;
  const filler = `${disk.endsWith("state") ? host.stateDir : host.workDir}/${FILLER}`;
  await host.run("bash", "-c", `cat /dev/zero >"$0"`, filler);
  await goOn(cast);
  return async () => {
    await noMoreWaiting(cast);
    await host.run("rm", "-f", filler);
  };
}

/**
 * Until the source has ended, or, when that is what stands still, until the destination had enough: it
 * had told of `told` events when the source was stopped.
 */
async function noMoreWaiting(cast: Cast, told?: number): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  const over = async () => {
    if (told === undefined) return !await isAlive(cast.source);
    const events = (await cast.destination.events()).slice(told);
    return events.some(({ event, on }) => event === "transition" && on === "peer-lost");
  };
  while (performance.now() < end && !await over()) await pause(LOOK_MS);
}

async function pidsOf(cast: Cast, part: Part): Promise<Pids> {
  const { source, destination, mark } = cast;
  const { alpha, beta } = cast.ground;
  const on = (host: DrillHost, pids: readonly number[]) => pids.map((pid) => [host, pid] as const);
  const copies = async (host: DrillHost) => {
    const all = await host.processes();
    return on(host, all.filter(({ command }) => command.includes(mark)).map(({ pid }) => pid));
  };
  const of = {
    "source phaul": () => on(alpha, [source.pid]),
    "destination phaul": () => on(beta, [destination.pid]),
    "both phauls": () => [...on(alpha, [source.pid]), ...on(beta, [destination.pid])],
    "source criu": async () => on(alpha, await criuOf(alpha, source)),
    "destination criu": async () => on(beta, await criuOf(beta, destination)),
    "fault server": async () => on(beta, await faultServers(beta)),
    "tree": () => copies(alpha),
    "copy": () => copies(beta),
  } satisfies Record<Part, () => Pids | Promise<Pids>>;
  const end = performance.now() + APPEARS_MS;
  for (;;) {
    const found = await of[part]();
    if (found.length > 0) return found;
    if (performance.now() > end) throw new Error(`There is no ${part} here`);
    await pause(LOOK_MS);
  }
}
