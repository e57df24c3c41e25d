import { assert, assertEquals } from "@std/assert";
import { World } from "./world.ts";

Deno.test("migrate: a counter goes on on the other host, no number missing or twice", async () => {
  await using world = await World.make();
  const victim = await world.victim({ pages: 4096 });
  await world.serve();
  const run = await world.migrate(victim);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  const stages = (await run.events()).map(({ event }) => event);
  assert(stages.includes("migrated"), stages.join());
});

Deno.test("migrate: a tree keeps its pipes, its thread, its stopped task and its zombie", async () => {
  await using world = await World.make();
  const victim = await world.victim({ kind: "tree" });
  await world.serve();
  await world.migrate(victim);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("migrate: there and back again, and there once more", async () => {
  await using world = await World.make();
  const victim = await world.victim({ kind: "tree" });
  await world.serve();
  await world.serve({}, world.alpha);
  await world.migrate(victim);
  await victim.countsOn();
  await world.migrate(victim, {}, world.beta);
  await victim.countsOn();
  await world.migrate(victim);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta", "alpha", "beta");
});

Deno.test("serve: takes in two migrations at once", async () => {
  await using world = await World.make();
  const victims = [await world.victim(), await world.victim({ kind: "tree" })] as const;
  const server = await world.serve();
  // Both are in their switchover before either may finish it.
  await world.alpha.hook.hold("frozen");
  const runs = [await world.startMigration(victims[0]), await world.startMigration(victims[1])];
  for (const run of runs) await run.event("frozen");
  await world.alpha.hook.release("frozen");
  assertEquals(await Promise.all(runs.map(({ code }) => code)), [0, 0]);
  for (const victim of victims) await victim.expectStays("alpha", "beta");
  await world.clean(world.beta);
  assertEquals((await server.events()).filter(({ event }) => event === "running").length, 2);
});

Deno.test("migrate: what was restored outlives the end of phaul serve", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  await world.migrate(victim);
  await server.signal("TERM");
  assertEquals(await server.code, 0);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});
