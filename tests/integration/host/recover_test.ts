import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { PhaulRun } from "./phaul.ts";
import { victimStates } from "./victim.ts";
import { until } from "./waiting.ts";
import { expectCode, type Side, World } from "./world.ts";

/** Kills a phaul at a stage in which its own hook holds it. */
async function killAt(side: Side, run: PhaulRun, stage: string): Promise<void> {
  await side.hook.reached(stage);
  await run.kill();
  await side.hook.release(stage);
}

/** A migration whose source's phaul is killed at `stage`. */
async function interrupted(world: World, stage: string, victimOptions = {}) {
  const victim = await world.victim(victimOptions);
  await world.serve({ args: ["--peer-timeout", "2"] });
  await world.alpha.hook.hold(stage);
  const run = await world.startMigration(victim);
  await killAt(world.alpha, run, stage);
  return victim;
}

for (const stage of ["frozen", "prepared"]) {
  Deno.test(`recover: phaul killed on the source at ${stage}, the tree goes on there`, async () => {
    await using world = await World.make();
    const victim = await interrupted(world, stage);
    const [id = ""] = await world.journals(world.alpha);
    await expectCode(await world.recover(world.alpha), 0);
    await world.expectOnlyAndClean(victim, world.alpha, "alpha");
    assertEquals(await world.journals(world.alpha), []);
    await until(
      "the destination forgets",
      async () => !(await world.journals(world.beta)).includes(id),
    );
    // And it can be moved as if nothing had been.
    await world.migrate(victim);
    await world.expectOnly(victim, world.beta, "alpha", "beta");
  });
}

Deno.test("recover: phaul killed on the source after COMMIT, the destination's copy goes on", async () => {
  await using world = await World.make();
  const victim = await interrupted(world, "committed");
  const status = await world.phaul(world.alpha, [
    "status",
    "--json",
    "--state-dir",
    world.alpha.stateDir,
  ]);
  await expectCode(status, 0);
  const { whereabouts, live, state } = await status.event("migration");
  assertEquals([whereabouts, live, state], ["destination", false, "COMMIT"]);
  const run = await world.recover(world.alpha);
  await expectCode(run, 0);
  assertEquals((await run.event("recovered")).whereabouts, "destination");
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  for (const side of [world.alpha, world.beta]) {
    await until("journals go", async () => (await world.journals(side)).length === 0);
  }
});

Deno.test("recover: a stopped task stays stopped, a running one runs on", async () => {
  await using world = await World.make();
  const victim = await world.victim({ kind: "tree" });
  const before = (await victimStates(world.alpha.host)).filter((state) => state === "T").length;
  await world.serve({ args: ["--peer-timeout", "2"] });
  await world.alpha.hook.hold("prepared");
  const run = await world.startMigration(victim);
  await killAt(world.alpha, run, "prepared");
  await expectCode(await world.recover(world.alpha), 0);
  await victim.countsOn();
  const after = (await victimStates(world.alpha.host)).filter((state) => state === "T").length;
  assertEquals(after, before);
});

Deno.test("serve: killed after the source's COMMIT and started anew, it finishes", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  await world.beta.hook.hold("committed");
  const run = await world.startMigration(victim);
  await killAt(world.beta, server, "committed");
  assertEquals(await victimStates(world.beta.host), ["T"]);
  const again = await world.serve();
  await again.event("reopened", { because: "was-prepared" });
  await expectCode(run, 0);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("serve: a copy that died with COMMIT on its way is restored again from its images", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  await world.beta.hook.hold("committed");
  const run = await world.startMigration(victim);
  await killAt(world.beta, server, "committed");
  await world.beta.host.signal(victim.pid, "KILL");
  const again = await world.serve();
  await again.event("reopened", { because: "was-lost" });
  await expectCode(run, 0);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("serve: rolls back on its own host what a phaul migrate that died has left", async () => {
  await using world = await World.make();
  const victim = await interrupted(world, "prepared");
  assert((await victimStates(world.alpha.host)).length > 0);
  await world.serve({}, world.alpha);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("migrate: rolls back first what an interrupted migration of the process has left", async () => {
  await using world = await World.make();
  const victim = await interrupted(world, "prepared");
  const run = await world.migrate(victim);
  assertStringIncludes(await run.said(), "was begun before: ending it first");
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("migrate: refuses a process that is being migrated, and names the remedy", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  await world.alpha.hook.hold("connected");
  const first = await world.startMigration(victim);
  await world.alpha.hook.reached("connected");
  const [id = ""] = await world.journals(world.alpha);
  const second = await world.startMigration(victim);
  await expectCode(second, 34);
  assertStringIncludes(await second.said(), `phaul cancel ${id}`);
  await world.alpha.hook.release("connected");
  await expectCode(first, 0);
});

Deno.test("recover: without its source a destination waits for a person, whose word counts", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  await world.alpha.hook.hold("prepared");
  const run = await world.startMigration(victim);
  await world.alpha.hook.reached("prepared");
  await world.alpha.host.signal(victim.pid, "KILL");
  await server.kill();
  await run.kill();
  const asked = await world.recover(world.beta);
  await expectCode(asked, 61);
  assertEquals(await victimStates(world.beta.host), ["T"]);
  const [id = ""] = await world.journals(world.beta);
  assertStringIncludes(await asked.said(), `phaul recover ${id} --force-destination`);
  await expectCode(await world.recover(world.beta, id.slice(0, 8), "--force-destination"), 0);
  await victim.expectStays("alpha", "beta");
});

Deno.test("recover: a phaul serve that holds a tree is told what a person decides", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve({ args: ["--peer-timeout", "2"] });
  await world.alpha.hook.hold("prepared");
  const run = await world.startMigration(victim);
  await killAt(world.alpha, run, "prepared");
  const [id = ""] = await world.journals(world.beta);
  await expectCode(await world.recover(world.beta, id, "--force-source"), 0);
  await until("no copy is left", async () => (await victimStates(world.beta.host)).length === 0);
  await expectCode(await world.recover(world.alpha), 0);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("cancel: from another terminal before the commit, and too late after it", async () => {
  for (const [stage, code] of [["frozen", 0], ["committed", 57]] as const) {
    await using world = await World.make();
    const victim = await world.victim();
    await world.serve();
    await world.alpha.hook.hold(stage);
    const run = await world.startMigration(victim);
    await world.alpha.hook.reached(stage);
    const [id = ""] = await world.journals(world.alpha);
    const args = ["cancel", id.slice(0, 8), "--state-dir", world.alpha.stateDir];
    const cancel = await world.phaul(world.alpha, args);
    await run.says("SIGINT");
    await world.alpha.hook.release(stage);
    await expectCode(cancel, code);
    await expectCode(run, code === 0 ? 55 : 0);
    const on = code === 0 ? world.alpha : world.beta;
    await world.expectOnlyAndClean(victim, on, ...(code === 0 ? ["alpha"] : ["alpha", "beta"]));
  }
});

Deno.test("migrate: --max-frozen gives up a tree that stands for longer", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  await world.alpha.hook.hold("frozen");
  const run = await world.startMigration(victim, { args: ["--max-frozen", "0.3"] });
  await world.alpha.hook.reached("frozen");
  await run.event("transition", { on: "stalled" });
  await world.alpha.hook.release("frozen");
  await expectCode(run, 53);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("migrate: --keep-images leaves them on both sides, --durable wants a disk", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve({ args: ["--keep-images"] });
  await world.migrate(victim, { args: ["--keep-images", "--durable"] });
  await world.expectOnly(victim, world.beta, "alpha", "beta");
  for (const side of [world.alpha, world.beta]) {
    assert((await side.host.try("ls", side.workDir)).stdout.trim() !== "", side.host.name);
  }
});

Deno.test("recover: a copy lost with its images after COMMIT is told of, and ended by a person", async () => {
  await using world = await World.make();
  const { alpha, beta } = world;
  const victim = await world.victim();
  const server = await world.serve();
  await alpha.hook.hold("prepared");
  const run = await world.startMigration(victim);
  await alpha.hook.reached("prepared");
  await beta.host.signal(victim.pid, "KILL");
  await server.event("transition", { to: "lost" });
  const [id = ""] = await world.journals(beta);
  await beta.host.run("rm", "-rf", `${beta.workDir}/${id}-destination`);
  await alpha.hook.release("prepared");
  await expectCode(run, 60);
  const there = await world.phaul(beta, ["status", "--json", "--state-dir", beta.stateDir]);
  await expectCode(there, 0);
  const { state, live, whereabouts } = await there.event("migration");
  assertEquals([state, live, whereabouts], ["stranded", false, "in-doubt"]);
  const asked = await world.recover(beta);
  await expectCode(asked, 61);
  assertStringIncludes(await asked.said(), "--force-source gives the process up");
  await expectCode(await world.recover(beta, "--force-source", id), 0);
  const here = await world.recover(alpha);
  await expectCode(here, 60);
  assertStringIncludes(await here.said(), `phaul recover ${id} --force-destination ends it here`);
  await expectCode(await world.recover(alpha, id, "--force-destination"), 0);
  for (const side of [alpha, beta]) assertEquals(await world.journals(side), []);
  assertEquals(await victimStates(beta.host), []);
});
