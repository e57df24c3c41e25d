/** Parts that live and do nothing: the tree may not stay frozen for them. */

import { assert, assertEquals } from "@std/assert";
import { expectRefusal } from "./refusal.ts";
import { victimStates } from "./victim.ts";
import { World } from "./world.ts";

Deno.test("migrate: a destination that says nothing any more is given up, and the tree runs on", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  await world.alpha.hook.hold("frozen");
  const run = await world.startMigration(victim, { args: ["--peer-timeout", "2"] });
  await world.alpha.hook.reached("frozen");
  await server.signal("STOP");
  await world.alpha.hook.release("frozen");
  await expectRefusal(run, 41, world.beta.address);
  await world.expectOnly(victim, world.alpha, "alpha");
  await server.signal("CONT");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("serve: a source that says nothing any more is given up, and its tree runs on", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve({ args: ["--peer-timeout", "2"] });
  await world.alpha.hook.hold("frozen");
  const run = await world.startMigration(victim);
  await world.alpha.hook.reached("frozen");
  await run.signal("STOP");
  await server.event("aborted");
  await world.clean(world.beta);
  assertEquals(await victimStates(world.beta.host), []);
  await world.alpha.hook.release("frozen");
  await run.signal("CONT");
  assert(await run.code >= 40);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("serve: a criu that does not come to an end with a restore is given up, and the tree runs on", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve({ args: ["--step-timeout", "2"] });
  await world.alpha.hook.hold("frozen");
  const run = await world.startMigration(victim);
  await world.alpha.hook.reached("frozen");
  const { swrk } = await server.criu();
  assert(swrk.length > 0);
  for (const { pid } of swrk) await world.beta.host.signal(pid, "STOP");
  await world.alpha.hook.release("frozen");
  await expectRefusal(run, 53, "criu took longer than 1.8 s", "--step-timeout");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});
