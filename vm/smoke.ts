/**
 * `deno run -A vm/smoke.ts [machines|lane]`: proves the harness without phaul. Workloads are moved by
 * plain criu commands, and the witness must have seen exactly one copy of each.
 */

import type { Host, Victim } from "./host.ts";
import type { Pair } from "./pair.ts";
import { progress } from "./progress.ts";
import { runScenario } from "./scenario.ts";

const TICKS = 20;

/**
 * Moves a victim from one host to another by hand, with `preDumps` pre-dumps before the dump; the
 * images go over the link. Returns the number of bytes of pages that each step wrote.
 */
export async function moveByHand(
  from: Host,
  to: Host,
  victim: Victim,
  preDumps: number,
): Promise<readonly number[]> {
  const images = `/dev/shm/move-${victim.name}-${from.name}`;
  const sizes: number[] = [];
  for (let step = 0; step <= preDumps; step++) {
    const verb = step < preDumps ? "pre-dump" : "dump";
    const parent = step > 0 ? `--prev-images-dir ../${step - 1}` : "";
    const flags = `-t ${victim.pid} -D ${images}/${step} -o criu.log -v4 ${parent}`;
    await from.run(
      `mkdir -p ${images}/${step}; criu ${verb} ${flags} ` +
        (preDumps > 0 ? "--track-mem" : ""),
    );
    const { stdout } = await from.run(`cat ${images}/${step}/pages-*.img | wc -c`);
    sizes.push(Number(stdout));
  }
  const port = 5000;
  const server = await from.start(
    `tar cf - ${images} | socat -u - TCP-LISTEN:${port},reuseaddr`,
    "send-images",
  );
  const client = `socat -u TCP:${from.address}:${port},retry=20,interval=0.2 -`;
  await to.run(`${client} | tar xf - -C /`);
  await server.ended;
  await to.run(`criu restore -D ${images}/${preDumps} -d -o restore.log -v4`);
  await from.run(`rm -rf ${images}`);
  await to.run(`rm -rf ${images}`);
  return sizes;
}

/** The workload moves to beta and must be right there, as the witness and itself see it. */
async function moveAndProve(pair: Pair, command: string, preDumps: number): Promise<void> {
  const { alpha, beta, witness } = pair;
  const victim = await alpha.victim(command);
  await witness.waitForTicks(victim.name, "alpha", TICKS);
  const sizes = await moveByHand(alpha, beta, victim, preDumps);
  await witness.waitForTicks(victim.name, "beta", TICKS);
  const answer = await beta.ask(victim, "verify");
  if (answer.ok !== true) throw new Error(`It is damaged: ${JSON.stringify(answer)}`);
  const report = await witness.assertExactlyOneCopy(victim.name, { hosts: ["alpha", "beta"] });
  if (sizes.some((size, n) => n > 0 && size >= (sizes[0] ?? 0))) {
    throw new Error(`Nothing was saved by pre-dumps: ${sizes.join(", ")} bytes`);
  }
  await beta.run(`kill -9 -- -${victim.pid}`);
  const silence = Math.round(report.largestSilence.ms);
  progress(
    `${command}: moved, ${report.ticks} ticks, longest silence ${silence} ms, ` +
      `bytes of pages: ${sizes.join(", ")}`,
  );
}

const WORKLOADS = ["piggie --port 7000", "rewriter --size 64 --port 7001", "tree --port 7002"];

async function smoke(kind: Pair["kind"]): Promise<void> {
  await runScenario(`smoke-${kind}`, { on: kind }, async (pair) => {
    for (const workload of WORKLOADS) await moveAndProve(pair, workload, 2);
  });
}

if (import.meta.main) {
  const wanted = Deno.args[0];
  if (wanted !== "lane") await smoke("machines");
  if (wanted !== "machines") await smoke("lane");
  progress("smoke: all well");
}
