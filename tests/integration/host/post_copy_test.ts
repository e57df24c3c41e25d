/** Post-copy: the tree runs on the destination, and fetches its memory from the one that stands still. */

import { assert, assertEquals } from "@std/assert";
import type { PhaulRun } from "./phaul.ts";
import { until } from "./waiting.ts";
import { World } from "./world.ts";

/** 128 MiB. */
const PAGES = 32_768;
/** A sweep has seen every page after so many numbers. */
const WHOLE = 40;
const POST_COPY = ["--mode", "post-copy"];

async function sawAll(victim: Awaited<ReturnType<World["victim"]>>, host = "beta"): Promise<void> {
  const numbers = async () => (await victim.lines()).filter((line) => line.host === host).length;
  await until("every page was seen", async () => await numbers() > WHOLE);
}

/** How many bytes it said that it leaves behind. */
async function lent(run: PhaulRun): Promise<number> {
  const event = (await run.events()).find(({ event }) => event === "lending");
  return Number(event?.bytes ?? 0);
}

for (const kind of ["sweep", "tree"] as const) {
  Deno.test(`migrate --mode post-copy: a ${kind} has all its memory, and goes on and back`, async () => {
    await using world = await World.make();
    const victim = await world.victim({ kind, pages: 4096 });
    const server = await world.serve();
    await world.serve({}, world.alpha);
    const run = await world.startMigration(victim, { args: POST_COPY });
    assertEquals(await run.code, 0, await run.said());
    assert(await lent(run) >= 4096 * 4096, "nothing was left for later");
    await sawAll(victim);
    await server.event("drained");
    await world.migrate(victim, { args: POST_COPY }, world.beta);
    await victim.countsOn();
    await victim.expectStays("alpha", "beta", "alpha");
  });
}

Deno.test("migrate --mode post-copy: given up while it is frozen, the tree runs on here", async () => {
  await using world = await World.make();
  const victim = await world.victim({ kind: "sweep", pages: PAGES });
  await world.serve();
  const { hook } = world.alpha;
  await hook.failAt("prepared");
  const run = await world.startMigration(victim, { args: POST_COPY });
  await hook.reached("prepared");
  await hook.release("prepared");
  assert(await run.code !== 0);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});
