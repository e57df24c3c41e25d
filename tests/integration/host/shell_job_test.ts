/** A tree that leads no session is held inside CRIU's restore, and dies with it before the commit. */

import { assertEquals } from "@std/assert";
import { victimStates } from "./victim.ts";
import { until } from "./waiting.ts";
import { expectCode, World } from "./world.ts";

const SHELL_JOB = { args: ["--shell-job"] };

Deno.test("migrate --shell-job: serve killed when it is ready, leaves nothing there", async () => {
  await using world = await World.make();
  const victim = await world.victim({ job: true });
  const server = await world.serve();
  await world.alpha.hook.hold("prepared");
  const run = await world.startMigration(victim, SHELL_JOB);
  await world.alpha.hook.reached("prepared");
  await server.kill();
  await until(
    "the held tree is gone",
    async () => (await victimStates(world.beta.host)).length === 0,
  );
  await world.alpha.hook.release("prepared");
  await expectCode(run, 42);
  await world.expectOnly(victim, world.alpha, "alpha");
});

Deno.test("migrate --shell-job: Ctrl-C when the destination is ready, leaves nothing there", async () => {
  await using world = await World.make();
  const victim = await world.victim({ job: true });
  await world.serve();
  await world.alpha.hook.hold("prepared");
  const run = await world.startMigration(victim, SHELL_JOB);
  await world.alpha.hook.reached("prepared");
  await run.signal("INT");
  await run.says("SIGINT");
  await world.alpha.hook.release("prepared");
  await expectCode(run, 55);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("migrate --shell-job: killed when the destination is ready, lets no copy run there", async () => {
  await using world = await World.make();
  const victim = await world.victim({ job: true });
  const server = await world.serve();
  await world.alpha.hook.hold("prepared");
  const run = await world.startMigration(victim, SHELL_JOB);
  await world.alpha.hook.reached("prepared");
  await run.kill();
  await world.alpha.hook.release("prepared");
  await server.event("transition", { from: "prepared", on: "peer-lost" });
  await victim.expectStays("alpha");
});

Deno.test("migrate --shell-job: the criu that holds the tree killed, restores it again after the commit", async () => {
  await using world = await World.make();
  const victim = await world.victim({ job: true });
  const server = await world.serve();
  await world.alpha.hook.hold("prepared");
  const run = await world.startMigration(victim, SHELL_JOB);
  await world.alpha.hook.reached("prepared");
  for (const { pid } of (await server.criu()).swrk) await world.beta.host.signal(pid, "KILL");
  await server.event("transition", { to: "lost" });
  assertEquals(await victimStates(world.beta.host), []);
  await world.alpha.hook.release("prepared");
  await expectCode(run, 0);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});
