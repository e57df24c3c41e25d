/** Ctrl-C: it cancels before the commit, and only finishes after it. */

import { assert, assertEquals } from "@std/assert";
import { victimStates } from "./victim.ts";
import { expectCode, World } from "./world.ts";

const CANCELLED = 55;

for (const stage of ["checked", "connected", "iteration-begin", "frozen", "prepared"]) {
  Deno.test(`migrate: Ctrl-C at ${stage} cancels and leaves the destination clean`, async () => {
    await using world = await World.make();
    const victim = await world.victim({ kind: "tree" });
    const server = await world.serve();
    await world.alpha.hook.hold(stage);
    const run = await world.startMigration(victim);
    await world.alpha.hook.reached(stage);
    await run.signal("INT");
    await run.says("SIGINT");
    await world.alpha.hook.release(stage);
    await expectCode(run, CANCELLED);
    assertEquals((await run.event("failed")).whereabouts, "source");
    await world.expectOnlyAndClean(victim, world.alpha, "alpha");
    // A destination that was told of nothing has nothing to give up.
    if (stage !== "checked") await server.event("aborted");
    await world.migrate(victim);
    await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  });
}

for (const stage of ["committed", "running"]) {
  Deno.test(`migrate: Ctrl-C at ${stage}, after the commit, only finishes`, async () => {
    await using world = await World.make();
    const victim = await world.victim();
    await world.serve();
    await world.alpha.hook.hold(stage);
    const run = await world.startMigration(victim);
    await world.alpha.hook.reached(stage);
    await run.signal("INT");
    await run.says("SIGINT");
    await world.alpha.hook.release(stage);
    await expectCode(run, 0);
    await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  });
}

Deno.test("serve: SIGTERM lets a running migration end, and takes no other in", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const other = await world.victim();
  const server = await world.serve();
  await world.alpha.hook.hold("frozen");
  const run = await world.startMigration(victim);
  await world.alpha.hook.reached("frozen");
  await server.signal("TERM");
  await server.says("ending");
  await expectCode(await world.startMigration(other), 34);
  await world.alpha.hook.release("frozen");
  await expectCode(run, 0);
  assertEquals(await server.code, 0);
  await victim.expectStays("alpha", "beta");
  await other.expectStays("alpha");
});

for (const how of ["a second SIGTERM", "the end of --drain-timeout"]) {
  Deno.test(`serve: ${how} gives a running migration up`, async () => {
    await using world = await World.make();
    const victim = await world.victim();
    const second = how === "a second SIGTERM";
    const server = await world.serve(second ? {} : { args: ["--drain-timeout", "0.5"] });
    await world.alpha.hook.hold("frozen");
    const run = await world.startMigration(victim);
    await world.alpha.hook.reached("frozen");
    await server.signal("TERM");
    if (second) {
      await server.says("ending");
      await server.signal("TERM");
    }
    await server.event("aborted");
    await world.alpha.hook.release("frozen");
    assert(await run.code >= 40);
    assertEquals(await server.code, 0);
    await world.expectOnlyAndClean(victim, world.alpha, "alpha");
  });
}

Deno.test("serve: ended while it holds a tree, it leaves that to its source", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve({ args: ["--drain-timeout", "0.5"] });
  await world.alpha.hook.hold("prepared");
  const run = await world.startMigration(victim);
  await world.alpha.hook.reached("prepared");
  await server.signal("TERM");
  assertEquals(await server.code, 0);
  assertEquals(await victimStates(world.beta.host), ["T"]);
  await world.alpha.hook.release("prepared");
  await expectCode(run, 42);
  await world.expectOnly(victim, world.alpha, "alpha");
  // Nobody was told of the abort: the next phaul serve still has the copy, until somebody is.
  await world.serve();
  assertEquals(await victimStates(world.beta.host), ["T"]);
  await expectCode(await world.recover(world.alpha), 0);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});
