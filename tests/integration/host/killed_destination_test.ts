/** The destination, or a part of it, is killed: the source keeps its process until the commit. */

import { assert, assertEquals } from "@std/assert";
import { victimStates } from "./victim.ts";
import { until } from "./waiting.ts";
import { expectCode, World } from "./world.ts";

const PEER_LOST = 42;

for (const stage of ["iteration-begin", "frozen"]) {
  Deno.test(`serve: killed while it receives (the source at ${stage}), leaves the process where it was`, async () => {
    await using world = await World.make();
    const victim = await world.victim();
    const server = await world.serve();
    await world.alpha.hook.hold(stage);
    const run = await world.startMigration(victim);
    await world.alpha.hook.reached(stage);
    await server.kill();
    await world.alpha.hook.release(stage);
    await expectCode(run, PEER_LOST);
    await world.expectOnly(victim, world.alpha, "alpha");
    assertEquals(await victimStates(world.beta.host), []);
    await world.clean(world.alpha);
  });
}

Deno.test("serve: killed while it gets ready to receive, leaves the process where it was", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  await world.beta.hook.hold("iteration-begin");
  const run = await world.startMigration(victim);
  await world.beta.hook.reached("iteration-begin");
  await server.kill();
  await expectCode(run, PEER_LOST);
  await world.expectOnly(victim, world.alpha, "alpha");
  await world.clean(world.alpha);
});

Deno.test("serve: killed with the tree restored and not yet told, leaves only a stopped copy", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  await world.beta.hook.hold("prepared");
  const run = await world.startMigration(victim);
  await world.beta.hook.reached("prepared");
  assertEquals(await victimStates(world.beta.host), ["T"]);
  await server.kill();
  await expectCode(run, PEER_LOST);
  await world.expectOnly(victim, world.alpha, "alpha");
  await world.clean(world.alpha);
});

Deno.test("serve: killed when the source knows that it is ready, leaves only a stopped copy", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  await world.alpha.hook.hold("prepared");
  const run = await world.startMigration(victim);
  await world.alpha.hook.reached("prepared");
  await server.kill();
  // The source must have seen it before it may go on to the commit.
  await until("the link is gone", async () => await connections(world) === 0);
  await world.alpha.hook.release("prepared");
  await expectCode(run, PEER_LOST);
  await world.expectOnly(victim, world.alpha, "alpha");
  await world.clean(world.alpha);
});

Deno.test("serve: killed after the commit, leaves no second copy and the source in doubt", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  await world.alpha.hook.hold("committed");
  const run = await world.startMigration(victim, { args: ["--commit-timeout", "2"] });
  await world.alpha.hook.reached("committed");
  await server.kill();
  await world.alpha.hook.release("committed");
  await expectCode(run, 60);
  assertEquals(await victimStates(world.alpha.host), []);
  assertEquals(await victimStates(world.beta.host), ["T"]);
  const failed = await run.event("failed");
  assertEquals(failed.whereabouts, "in-doubt");
  await world.clean(world.alpha);
});

for (const stage of ["frozen"]) {
  Deno.test(`serve: each criu of it killed (the source at ${stage}), leaves the process where it was`, async () => {
    await using world = await World.make();
    const victim = await world.victim();
    const server = await world.serve();
    await world.alpha.hook.hold(stage);
    // What cannot be restored lazily would be restored again.
    const run = await world.startMigration(victim, { args: ["--restore", "eager"] });
    await world.alpha.hook.reached(stage);
    const { swrk } = await server.criu();
    assert(swrk.length > 0);
    for (const { pid } of swrk) await world.beta.host.signal(pid, "KILL");
    await world.alpha.hook.release(stage);
    assert(await run.code >= 40);
    await world.expectOnlyAndClean(victim, world.alpha, "alpha");
    await world.migrate(victim);
    await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  });
}

Deno.test("serve: its criu killed once the tree is held, changes nothing", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  await world.alpha.hook.hold("prepared");
  const run = await world.startMigration(victim);
  await world.alpha.hook.reached("prepared");
  for (const { pid } of (await server.criu()).swrk) await world.beta.host.signal(pid, "KILL");
  await world.alpha.hook.release("prepared");
  await expectCode(run, 0);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("serve: its held tree killed before the commit, restores it again after", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  await world.alpha.hook.hold("prepared");
  const run = await world.startMigration(victim);
  await world.alpha.hook.reached("prepared");
  await world.beta.host.signal(victim.pid, "KILL");
  await server.event("transition", { to: "lost" });
  await world.alpha.hook.release("prepared");
  await expectCode(run, 0);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

/** Connections of alpha to phaul's port on beta. */
async function connections(world: World): Promise<number> {
  const text = await world.alpha.host.run("cat", "/proc/net/tcp", "/proc/net/tcp6");
  return text.split("\n").filter((line) => / [0-9A-F]+:1C74 01 /.test(line)).length;
}
