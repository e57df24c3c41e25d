/** The page path holds a few buffers, however much waits on either side of it. */

import { assert } from "@std/assert";
import type { PhaulRun } from "./phaul.ts";
import { until } from "./waiting.ts";
import { expectCode, World } from "./world.ts";

/** 256 MiB: far more than phaul may take for them. */
const PAGES = 65_536;
const ALLOWED_KIB = 96 * 1024;

/** The most memory that a phaul has had at once, in KiB. */
async function peakKib({ host, pid }: PhaulRun): Promise<number> {
  const status = await host.run("cat", `/proc/${pid}/status`);
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
}

/** Waits until no more bytes come out of what is being dumped: everything on the way is full. */
async function standsStill(run: PhaulRun): Promise<void> {
  let before = -1;
  await until("nothing moves any more", async () => {
    const read = await run.host.run("cat", `/proc/${run.pid}/io`);
    const now = Number(/^rchar: (\d+)$/m.exec(read)?.[1]);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    // What it reads to look around is little beside pages.
    const still = before >= 0 && now - before < 100_000;
    before = now;
    return still;
  });
}

Deno.test("migrate and serve: a destination that takes nothing makes neither of them grow", async () => {
  await using world = await World.make();
  const victim = await world.victim({ pages: PAGES });
  const args = ["--peer-timeout", "120", "--stall-timeout", "120"];
  const server = await world.serve({ args });
  const run = await world.startMigration(victim, { args });
  await until(
    "pages come",
    async () => (await world.beta.host.try("ls", `${world.beta.workDir}`)).code === 0,
  );
  await world.beta.host.signal(server.pid, "STOP");
  const before = { source: await peakKib(run), destination: await peakKib(server) };
  await standsStill(run);
  const after = { source: await peakKib(run), destination: await peakKib(server) };
  const events = (await run.events()).map(({ event }) => event);
  assert(!events.includes("frozen"), "all pages had passed: nothing was tested");
  for (const side of ["source", "destination"] as const) {
    const grown = after[side] - before[side];
    assert(grown < ALLOWED_KIB, `${side} grew by ${grown} KiB`);
  }
  await world.beta.host.signal(server.pid, "CONT");
  await expectCode(run, 0);
  await victim.expectStays("alpha", "beta");
});
