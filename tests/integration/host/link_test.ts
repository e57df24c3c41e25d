/** What the page path does with the link: packed pages, and a rate that is kept to. */

import { assert, assertEquals } from "@std/assert";
import type { PhaulRun } from "./phaul.ts";
import { World } from "./world.ts";

/** 32 MiB. */
const PAGES = 8192;

/** Fields of the final iteration, which is the only one where no dirty memory can be tracked. */
async function finalIteration(run: PhaulRun): Promise<Record<string, unknown>> {
  const ends = (await run.events()).filter(({ event }) => event === "iteration-end");
  return { ...ends.findLast(({ final }) => final === true) };
}

for (const how of ["off", "zstd", "auto"] as const) {
  Deno.test(`migrate --compress ${how}: pages arrive as they were, whatever travelled`, async () => {
    await using world = await World.make();
    const victim = await world.victim({ pages: PAGES });
    await world.serve();
    const run = await world.migrate(victim, {
      args: ["--mode", "stop-and-copy", "--compress", how],
    });
    const { bytes, sentBytes } = await finalIteration(run);
    assert(Number(bytes) >= PAGES * 4096, `${bytes}`);
    if (how === "zstd") assert(Number(sentBytes) < Number(bytes), `${sentBytes} of ${bytes}`);
    await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  });
}

Deno.test("migrate --bandwidth-final: holds the switchover back, --bandwidth does not", async () => {
  await using world = await World.make();
  const victim = await world.victim({ pages: PAGES });
  await world.serve();
  await world.serve({}, world.alpha);
  const mode = ["--mode", "stop-and-copy"];
  const free = await world.migrate(victim, { args: [...mode, "--bandwidth", "1Mbit"] });
  assert(Number((await finalIteration(free)).durationMs) < 30_000);
  const args = [...mode, "--bandwidth-final", "100Mbit"];
  const held = await world.migrate(victim, { args }, world.beta);
  const { durationMs, sentBytes } = await finalIteration(held);
  // 12500 bytes a millisecond, but for what the first burst is ahead.
  assert(Number(durationMs) > Number(sentBytes) / 12_500 - 50, `${durationMs} ms`);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha", "beta", "alpha");
});

Deno.test("migrate --max-downtime: where nothing can be copied ahead, cancel is told at once", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  const args = ["--max-downtime", "1ms", "--on-miss", "cancel"];
  const run = await world.startMigration(victim, { args });
  // On a kernel that tracks dirty memory the budget is missed instead.
  const code = await run.code;
  assert(code === 13 || code === 58, `${code}: ${await run.said()}`);
  const failed = (await run.events()).find(({ event }) => event === "failed");
  assertEquals(failed?.whereabouts, "source");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});
