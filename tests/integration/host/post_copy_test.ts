/** Post-copy: the tree runs on the destination, and fetches its memory from the one that stands still. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { PhaulRun } from "./phaul.ts";
import { victimStates } from "./victim.ts";
import { until } from "./waiting.ts";
import { expectCode, World } from "./world.ts";

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

/** A rate that makes 128 MiB take about nine seconds: something can happen meanwhile. */
const SLOWLY = [...POST_COPY, "--bandwidth", "120Mbit"];

/** Starts a migration whose drain takes seconds, and waits until it has begun. */
async function draining(world: World, args = SLOWLY) {
  const victim = await world.victim({ kind: "sweep", pages: PAGES });
  const server = await world.serve();
  const run = await world.startMigration(victim, { args });
  await run.event("draining");
  return { victim, server, run };
}

async function criuOf(run: PhaulRun): Promise<number[]> {
  return (await run.criu()).swrk.map(({ pid }) => pid);
}

Deno.test("migrate --mode post-copy: its criu killed in the drain, the tree's memory is still there", async () => {
  await using world = await World.make();
  const { victim, run } = await draining(world);
  for (const pid of await criuOf(run)) await world.alpha.host.signal(pid, "KILL");
  await expectCode(run, 0);
  await sawAll(victim);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("migrate --mode post-copy: killed in the drain, phaul recover goes on with it", async () => {
  await using world = await World.make();
  const { victim, run } = await draining(world);
  await run.kill();
  assertEquals((await victimStates(world.alpha.host)).filter((state) => !/[tTZ]/.test(state)), []);
  const recover = await world.recover(world.alpha);
  await expectCode(recover, 0);
  await sawAll(victim);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("migrate --mode post-copy: a serve that is killed in the drain, and starts again, goes on", async () => {
  await using world = await World.make();
  const { victim, server, run } = await draining(world);
  await server.kill();
  await world.serve();
  await expectCode(run, 0);
  await sawAll(victim);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("migrate --mode post-copy: fault servers that are killed cost time and no page", async () => {
  await using world = await World.make();
  const { victim, run } = await draining(world);
  for (let killed = 0; killed < 3; killed++) {
    const servers = (await world.beta.host.processes()).filter(({ command }) =>
      command.includes("fault-server")
    );
    for (const { pid } of servers) await world.beta.host.signal(pid, "KILL");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  await expectCode(run, 0);
  await sawAll(victim);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("migrate --mode post-copy: ten seconds without a link are survived", async () => {
  await using world = await World.make();
  const { victim, run } = await draining(world, [...SLOWLY, "--peer-timeout", "4"]);
  await world.alpha.host.run("ip", "link", "set", "wire", "down");
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  await world.alpha.host.run("ip", "link", "set", "wire", "up");
  await expectCode(run, 0);
  await sawAll(victim);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("migrate --mode post-copy: a tree killed in the drain is lost, and that is said", async () => {
  await using world = await World.make();
  const { victim, run } = await draining(world);
  for (const { pid, command } of await world.alpha.host.processes()) {
    if (command.includes(victim.path)) await world.alpha.host.signal(pid, "KILL");
  }
  const failed = await run.event("failed");
  assertEquals(failed.whereabouts, "in-doubt");
  assertMatch(String(failed.message), /without all its memory/);
  assert(await run.code !== 0);
});

Deno.test("recover on the destination: does not wait for memory that only its serve can take in", async () => {
  await using world = await World.make();
  const { victim, run } = await draining(world);
  const recover = await world.recover(world.beta);
  await expectCode(recover, 60);
  assertMatch(await recover.said(), /part of its memory is still on the source/);
  await expectCode(run, 0);
  await sawAll(victim);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});
