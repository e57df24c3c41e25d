/** What an operator does after a fault, step by step, until all is well. */

import { pause } from "../integration/host/waiting.ts";
import { type DrillRun, type Ground, isAlive } from "./ground.ts";
import { inspect, isSettled } from "./inspect.ts";
import type { RecoveredBy } from "./result.ts";
import type { Expected } from "./row.ts";

const LOOK_MS = 60;
/** phaul is left alone for as long as it may still be at work, and no longer. */
const BY_ITSELF_MS = 6_000;
/** After a crash nothing but a restart or a person moves. */
const AFTER_CRASH_MS = 400;
const AFTER_STEP_MS = 4_000;
const IN_DOUBT = 60;

/** Takes the steps, the smallest first, until one copy runs and nothing else is there. */
export async function recover(
  ground: Ground,
  mark: string,
  source: DrillRun,
  expected: Expected,
): Promise<RecoveredBy> {
  const settled = (ms: number) => isSoonSettled(ground, mark, expected, ms);
  const code = await source.code;
  const server = ground.lastServer;
  const crashed = code > 128 || code === IN_DOUBT || !(server && await isAlive(server));
  if (await settled(crashed ? AFTER_CRASH_MS : BY_ITSELF_MS)) return "nobody had to";
  if (!(server && await isAlive(server))) {
    await ground.startServer();
    if (await settled(AFTER_STEP_MS)) return "serve, started again";
  }
  await ground.recover(ground.alpha);
  if (await settled(AFTER_STEP_MS)) return "recover on the source";
  await ground.recover(ground.beta);
  if (await settled(AFTER_STEP_MS)) return "recover on the destination";
  return "nobody could";
}

async function isSoonSettled(
  ground: Ground,
  mark: string,
  expected: Expected,
  ms: number,
): Promise<boolean> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await inspect(ground, mark);
    if (isSettled(found, expected === "gone")) return true;
    if (expected === "either" && isSettled(found, true)) return true;
    if (performance.now() > end) return false;
    await pause(LOOK_MS);
  }
}
