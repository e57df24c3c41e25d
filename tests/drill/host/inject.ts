/** Carries a fault out on a ground of this host. */

import type { PhaulRun } from "../../integration/host/phaul.ts";
import { pause } from "../../integration/host/waiting.ts";
import type { Side } from "../../integration/host/world.ts";
import type { Disk, Fault, Part } from "../row.ts";
import { type Ground, isAlive } from "./ground.ts";
import { FILLER } from "./inspect.ts";

/** Longer than any deadline that the drill gives to phaul. */
const PATIENCE_MS = 9_000;
const LOOK_MS = 50;
/** What is about to be started may take a moment to be there. */
const APPEARS_MS = 2_000;

/** Who takes part in a row. */
export interface Cast {
  readonly ground: Ground;
  readonly source: PhaulRun;
  readonly destination: PhaulRun;
  /** The file of the workload, by which its processes are known. */
  readonly numbers: string;
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
      for (const [side, pid] of await pidsOf(cast, fault.part)) await side.host.signal(pid, "KILL");
      await goOn(cast);
      return () => Promise.resolve();
    case "stop":
      return await standStill(cast, fault.part);
    case "signal":
      await (fault.to === "source" ? cast.source.signal("INT") : cast.destination.signal("TERM"));
      await goOn(cast);
      return () => Promise.resolve();
    case "cut":
      return await cut(cast);
    case "fill":
      return await fill(cast, fault.disk);
    case "reset":
      throw new Error("Cannot reset a host of this machine");
    default:
      return fault satisfies never;
  }
}

/** Lets the held phaul go on. */
export async function goOn({ source, destination, held }: Cast): Promise<void> {
  const phaul = held === "source" ? source : destination;
  await phaul.signal("CONT");
}

/** Stops a part for as long as anybody waits for it. */
async function standStill(cast: Cast, part: Part): Promise<Mend> {
  const pids = await pidsOf(cast, part);
  for (const [side, pid] of pids) await side.host.signal(pid, "STOP");
  const isHeld = part === `${cast.held} phaul`;
  if (!isHeld) await goOn(cast);
  return async () => {
    await noMoreWaiting(cast, part === "source phaul");
    for (const [side, pid] of pids) await side.host.signal(pid, "CONT");
  };
}

async function cut(cast: Cast): Promise<Mend> {
  const { alpha } = cast.ground.world;
  await alpha.host.run("ip", "link", "set", "wire", "down");
  await goOn(cast);
  return async () => {
    await noMoreWaiting(cast, false);
    await alpha.host.run("ip", "link", "set", "wire", "up");
  };
}

async function fill(cast: Cast, disk: Disk): Promise<Mend> {
  const { alpha, beta } = cast.ground.world;
  const side = disk.startsWith("source") ? alpha : beta;
  const filler = `${disk.endsWith("state") ? side.stateDir : side.workDir}/${FILLER}`;
  await side.host.try("bash", "-c", `cat /dev/zero >"$0"`, filler);
  await goOn(cast);
  return async () => {
    await noMoreWaiting(cast, false);
    await side.host.run("rm", "-f", filler);
  };
}

/** Until the source has ended, or, when that is what stands still, until the destination had enough. */
async function noMoreWaiting(cast: Cast, sourceStands: boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  const over = async () => {
    if (!sourceStands) return !await isAlive(cast.source);
    const events = await cast.destination.events();
    return events.some(({ event, on }) => event === "transition" && on === "peer-lost");
  };
  while (performance.now() < end && !await over()) await pause(LOOK_MS);
}

async function pidsOf(cast: Cast, part: Part): Promise<(readonly [Side, number])[]> {
  const { source, destination, numbers } = cast;
  const { alpha, beta } = cast.ground.world;
  const on = (side: Side, pids: readonly number[]) => pids.map((pid) => [side, pid] as const);
  const copies = async (side: Side) =>
    on(
      side,
      (await side.host.processes()).filter(({ command }) => command.includes(numbers))
        .map(({ pid }) => pid),
    );
  const of = {
    "source phaul": () => on(alpha, [source.pid]),
    "destination phaul": () => on(beta, [destination.pid]),
    "both phauls": () => [...on(alpha, [source.pid]), ...on(beta, [destination.pid])],
    "source criu": async () => on(alpha, (await source.criu()).swrk.map(({ pid }) => pid)),
    "destination criu": async () => on(beta, (await destination.criu()).swrk.map(({ pid }) => pid)),
    "page server": async () => on(beta, (await destination.criu()).below.map(({ pid }) => pid)),
    "tree": () => copies(alpha),
    "copy": () => copies(beta),
  } satisfies Record<Part, () => unknown>;
  const end = performance.now() + APPEARS_MS;
  for (;;) {
    const found = await of[part]();
    if (found.length > 0) return found;
    if (performance.now() > end) throw new Error(`There is no ${part} here`);
    await pause(LOOK_MS);
  }
}
