/** Proves that the drill can fail: it lets a second copy run itself, and the witness has to see it. */

import { pause } from "../integration/host/waiting.ts";
import { type Ground, isAlive } from "./ground.ts";
import { NotReachedError } from "./result.ts";
import { sightOf } from "./verdict.ts";

const LOOK_MS = 50;
/** No assertion: only the point at which a machine that hangs is ended. */
const SEEN_MS = 300_000;

/**
 * Kills phaul on the source when both copies stand, and lets go on by hand what the destination holds.
 *
 * @returns what is wrong with the drill; undefined when the second copy was seen
 * @throws NotReachedError when there was no second copy to be seen
 */
export async function selfCheck(ground: Ground, random: () => number): Promise<string | undefined> {
  const { alpha, beta } = ground;
  await ground.server();
  const workload = await ground.startWorkload(random);
  await alpha.stopAt(`"side":"source","from":"frozen","on":"ready"`);
  const source = await ground.migrate(workload.pid, "server");
  const end = performance.now() + SEEN_MS;
  while (!await alpha.hasStopped()) {
    if (performance.now() > end || !await isAlive(source)) {
      throw new NotReachedError(`two copies never stood; phaul said: ${await source.said()}`);
    }
    await pause(LOOK_MS);
  }
  await alpha.signal(source.pid, "KILL");
  const copy = (await beta.processes()).filter(({ command }) => command.includes(workload.mark));
  for (const { pid } of copy) await beta.signal(pid, "CONT");
  while (performance.now() < end) {
    if (sightOf(await workload.ticks()).copies === 2) return undefined;
    await pause(LOOK_MS);
  }
  return "two copies ran, and the witness did not say so";
}
