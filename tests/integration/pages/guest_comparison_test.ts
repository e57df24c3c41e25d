/**
 * The page cache beside CRIU's page server once more, with pre-dumps: in a guest, whose kernel tracks
 * memory, by the CRIU of each Debian that the harness boots.
 */

import { assert } from "@std/assert";
import { run } from "../../../tools/process.ts";
import type { Host } from "../../../vm/host.ts";
import { runScenario } from "../../../vm/scenario.ts";
import { TestDir } from "../criu/fixture.ts";
import { compareIterations } from "./images.ts";

const ITERATIONS = 3;
const [TAP_PORT, SERVER_PORT] = [7401, 7402];

for (const suite of ["bookworm", "trixie"] as const) {
  Deno.test({
    name: `PageCache: has every page, over pre-dumps, that ${suite}'s page server has`,
    // The machine's connections end with it.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () =>
      runScenario(`page-comparison-${suite}`, { on: "lane", suite }, async ({ alpha }) => {
        using dir = new TestDir();
        await record(alpha, dir.path);
        const numbers = Array.from({ length: ITERATIONS }, (_, index) => index + 1);
        const iterations = numbers.map((number) => ({
          stream: Deno.readFileSync(`${dir.path}/stream-${number}`),
          served: `${dir.path}/served/${number}`,
        }));
        const kinds = await compareIterations(iterations, dir.sub("cached"));
        assert(kinds >= 4, `only ${kinds}`);
      }),
  });
}

/** Leaves each iteration's stream and what the guest's page server made of it below `dir`. */
async function record(host: Host, dir: string): Promise<void> {
  await host.run(`mkdir -p /root/pages/tree && cd /root/pages && mkdir sent served
    setsid /lab/bin/memory tree </dev/null >/dev/null 2>&1 &
    ${waitFor("[ -e tree/step ]")}`);
  for (let number = 1; number <= ITERATIONS; number++) await host.run(iteration(number));
  const archive = `${dir}/pages.tar`;
  await host.run("cd /root/pages && tar cf pages.tar stream-* served");
  await Deno.writeFile(archive, await host.readFile("/root/pages/pages.tar"));
  const { code, stderr } = await run("tar", ["xf", archive, "-C", dir]);
  if (code !== 0) throw new Error(`Cannot unpack what the guest recorded: ${stderr}`);
}

/** A script for one pre-dump and the change of memory after it, or for the dump. */
function iteration(number: number): string {
  const parent = number > 1 ? `--prev-images-dir ../${number - 1}` : "";
  const last = number === ITERATIONS;
  return `set -e
    cd /root/pages
    pid=$(pgrep -o -x memory)
    mkdir sent/${number} served/${number}
    criu page-server -D served/${number} ${parent} -o server.log --port ${SERVER_PORT} &
    page_tap ${TAP_PORT} ${SERVER_PORT} stream-${number} >listening-${number} &
    until [ -s listening-${number} ]; do sleep 0.1; done
    criu ${last ? "dump" : "pre-dump"} -t $pid -D sent/${number} ${parent} -o dump.log --track-mem \
      --page-server --address 127.0.0.1 --port ${TAP_PORT} || { cat sent/${number}/dump.log; exit 1; }
    wait
    ${last ? `cp sent/${number}/*.img served/${number}/` : change(number)}`;
}

function change(step: number): string {
  return `touch tree/go-${step}; ${waitFor(`[ "$(cat tree/step)" = ${step} ]`)}`;
}

function waitFor(condition: string): string {
  return `for look in $(seq 600); do ${condition} && exit; sleep 0.1; done; exit 1`;
}
