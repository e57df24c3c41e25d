import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { PhaulRun } from "./phaul.ts";
import { type Side, World } from "./world.ts";

/** What a side's phaul remembers, the newest first. */
async function past(world: World, side: Side): Promise<Awaited<ReturnType<PhaulRun["events"]>>> {
  const run = await world.phaul(side, ["history", "--json", "--state-dir", side.stateDir]);
  assertEquals(await run.code, 0);
  return await run.events();
}

Deno.test("migrate --report: a page on what moved, and both hosts remember it", async () => {
  await using world = await World.make();
  const victim = await world.victim({ pages: 4096 });
  const server = await world.serve();
  const path = `${world.dir}/report.html`;
  await world.migrate(victim, { args: ["--report", path] });
  const page = await Deno.readTextFile(path);
  for (const text of ["Moved.", "The switchover", "Restore", "Hosts", world.beta.address]) {
    assertStringIncludes(page, text);
  }
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  await server.signal("TERM");
  assertEquals(await server.code, 0);

  const [here] = await past(world, world.alpha);
  const [there] = await past(world, world.beta);
  assertEquals([here?.side, there?.side], ["source", "destination"]);
  assertEquals([here?.migration, here?.whereabouts], [there?.migration, there?.whereabouts]);
  const { timeline } = here?.details as {
    readonly timeline: readonly { readonly name: string; readonly on: string }[];
  };
  const restored = timeline.findIndex(({ name, on }) =>
    name === "restored" && on === "destination"
  );
  const prepared = timeline.findIndex(({ name, on }) => name === "prepared" && on === "source");
  assert(restored !== -1 && restored < prepared, JSON.stringify(timeline));
});

Deno.test("migrate --report: of one that was refused, with what was found", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  await world.alpha.hook.failAt("frozen");
  const path = `${world.dir}/report.html`;
  const run = await world.startMigration(victim, { args: ["--report", path] });
  await world.alpha.hook.reached("frozen");
  await world.alpha.hook.release("frozen");
  assertEquals(await run.code, 54);
  const page = await Deno.readTextFile(path);
  assertStringIncludes(page, "Not moved.");
  assertStringIncludes(page, "hook-failed");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});
