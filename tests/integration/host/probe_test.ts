import { assertEquals, assertStringIncludes } from "@std/assert";
import { until } from "./waiting.ts";
import { World } from "./world.ts";

Deno.test("migrate --probe: runs there until it succeeds, and is told", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  // It succeeds the second time, and only as root's child on the host that the tree has moved to.
  const tried = `${world.dir}/tried`;
  const probe = `test -e ${tried} && kill -0 "$PHAUL_PID" && test "$PHAUL_STAGE" = running ` +
    `|| { : >${tried}; echo not yet >&2; false; }`;
  const run = await world.migrate(victim, { args: ["--probe", probe] });
  const { passed, runs } = await run.event("probed");
  assertEquals([passed, runs], [true, true]);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("migrate --probe: one that fails is told, and the process runs there all the same", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  const args = ["--probe", "echo no answer >&2; exit 3", "--probe-timeout", "1"];
  const run = await world.startMigration(victim, { args });
  assertEquals(await run.code, 80);
  const { probed } = await run.event("migrated") as unknown as { probed: { how: string } };
  assertEquals(probed, { passed: false, how: "exited with 3: no answer" });
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("migrate --probe: Ctrl-C ends the wait for it, and all that it started", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  const args = ["--probe", "sleep 1000 | cat", "--probe-timeout", "600"];
  const run = await world.startMigration(victim, { args });
  await run.event("running");
  await until("the probe runs", async () => (await sleepers(world)).length > 0);
  await run.signal("INT");
  assertEquals(await run.code, 80);
  assertStringIncludes(await run.said(), "was not waited for");
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  await until("nothing of it is left", async () => (await sleepers(world)).length === 0);
});

async function sleepers(world: World): Promise<unknown[]> {
  const all = await world.beta.host.processes();
  return all.filter(({ command }) => command === "sleep 1000");
}

Deno.test("migrate --probe-stopped: one that fails before the commit keeps the process here", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  // The copy stands there, complete.
  const probe = `grep -q "^State:.*stopped" /proc/$PHAUL_PID/status && echo no licence >&2; false`;
  const run = await world.startMigration(victim, { args: ["--probe-stopped", probe] });
  assertEquals(await run.code, 59);
  assertStringIncludes(await run.said(), "exited with 1: no licence");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
  await world.migrate(victim, { args: ["--probe-stopped", "kill -0 $PHAUL_PID"] });
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});
