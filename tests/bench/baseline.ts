/** What the network between the hosts carries without anybody's help. */

import type { Baseline } from "./figures.ts";
import type { Ground } from "./ground.ts";

const PORT = 7298;
const MEGABYTES = 2048;

/** Sends as much as the largest victim has over a plain TCP connection. */
export async function measureTcp(ground: Ground): Promise<Baseline> {
  const program = `${ground.programs}/bench_tcp`;
  await ground.run("destination", `setsid ${program} take ${PORT} </dev/null &>/dev/null &`);
  const said = await ground.run("source", `${program} give ${ground.address} ${PORT} ${MEGABYTES}`);
  const { mbPerS }: { mbPerS: number } = JSON.parse(said);
  return { ground: ground.title, tcpMbPerS: mbPerS };
}
