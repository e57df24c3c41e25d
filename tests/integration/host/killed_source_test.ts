/** The source, or a part of it, is killed; or its process ends while it is moved. */

import { assert, assertEquals } from "@std/assert";
import { victimStates } from "./victim.ts";
import { until } from "./waiting.ts";
import { expectCode, World } from "./world.ts";

for (const stage of ["checked", "connected", "iteration-begin", "frozen"]) {
  Deno.test(`migrate: killed at ${stage}, leaves its process running and the destination clean`, async () => {
    await using world = await World.make();
    const victim = await world.victim();
    await world.serve();
    await world.alpha.hook.hold(stage);
    const run = await world.startMigration(victim);
    await world.alpha.hook.reached(stage);
    await run.kill();
    await world.alpha.hook.release(stage);
    await world.expectOnly(victim, world.alpha, "alpha");
    await world.clean(world.beta);
    assertEquals(await victimStates(world.beta.host), []);
    // What the dead phaul left must not be in the way.
    await world.migrate(victim);
    await world.expectOnly(victim, world.beta, "alpha", "beta");
  });
}

Deno.test("migrate: killed when the destination is ready, leaves a stopped copy there at most", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  await world.alpha.hook.hold("prepared");
  const run = await world.startMigration(victim);
  await world.alpha.hook.reached("prepared");
  await run.kill();
  await world.alpha.hook.release("prepared");
  await server.event("transition", { from: "prepared", on: "peer-lost" });
  await world.expectOnly(victim, world.alpha, "alpha");
  assertEquals(await victimStates(world.beta.host), ["T"]);
});

Deno.test("migrate: killed after the commit, leaves no copy that runs", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  await world.alpha.hook.hold("committed");
  const run = await world.startMigration(victim);
  await world.alpha.hook.reached("committed");
  await run.kill();
  await world.alpha.hook.release("committed");
  await server.event("transition", { from: "prepared", on: "peer-lost" });
  await until(
    "criu has let go",
    async () =>
      !(await world.alpha.host.processes()).some(({ command }) => command.includes("swrk")),
  );
  for (const side of [world.alpha, world.beta]) {
    const running = (await victimStates(side.host)).filter((state) => state !== "T");
    assertEquals(running, [], side.host.name);
  }
});

for (const stage of ["iteration-begin", "frozen", "prepared"]) {
  Deno.test(`migrate: its criu killed at ${stage}, keeps its process and leaves the destination clean`, async () => {
    await using world = await World.make();
    const victim = await world.victim();
    await world.serve();
    await world.alpha.hook.hold(stage);
    const run = await world.startMigration(victim);
    await world.alpha.hook.reached(stage);
    const { swrk } = await run.criu();
    assert(swrk.length > 0);
    for (const { pid } of swrk) await world.alpha.host.signal(pid, "KILL");
    await until("criu is gone", async () => (await run.criu()).swrk.length === 0);
    await world.alpha.hook.release(stage);
    await expectCode(run, 50);
    await world.expectOnlyAndClean(victim, world.alpha, "alpha");
    await world.migrate(victim);
    await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  });
}

Deno.test("migrate: its criu killed after the commit, hands over all the same", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  await world.alpha.hook.hold("committed");
  const run = await world.startMigration(victim);
  await world.alpha.hook.reached("committed");
  for (const { pid } of (await run.criu()).swrk) await world.alpha.host.signal(pid, "KILL");
  await until("criu is gone", async () => (await run.criu()).swrk.length === 0);
  await world.alpha.hook.release("committed");
  await expectCode(run, 0);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

for (const stage of ["connected", "iteration-begin", "frozen", "prepared"]) {
  Deno.test(`migrate: a process that ends at ${stage} is reported as gone`, async () => {
    await using world = await World.make();
    const victim = await world.victim();
    await world.serve();
    await world.alpha.hook.hold(stage);
    const run = await world.startMigration(victim);
    await world.alpha.hook.reached(stage);
    await world.alpha.host.signal(victim.pid, "KILL");
    await world.alpha.hook.release(stage);
    await expectCode(run, 26);
    assertEquals((await run.event("failed")).whereabouts, "gone");
    assertEquals(await victimStates(world.alpha.host), []);
    assertEquals(await victimStates(world.beta.host), []);
    await world.clean(world.alpha);
    await world.clean(world.beta);
  });
}

Deno.test("migrate: a hook that fails before the commit gives it up", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  await world.alpha.hook.failAt("frozen");
  const run = await world.startMigration(victim);
  await world.alpha.hook.reached("frozen");
  await world.alpha.hook.release("frozen");
  await expectCode(run, 54);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});
