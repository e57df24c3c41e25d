/** Memory that is filled in after the restore: all of it comes, whoever dies meanwhile. */

import { assert, assertEquals } from "@std/assert";
import type { PhaulRun } from "./phaul.ts";
import { until } from "./waiting.ts";
import { type Side, World } from "./world.ts";

/** 128 MiB: long enough on the way for something to happen meanwhile. */
const PAGES = 32_768;
/** Without a new fault server for so long, none will come. */
const IDLE_MS = 3_000;
/** A sweep has seen every page after so many numbers. */
const WHOLE = 40;

/** Pids of the fault servers on a host. */
async function faultServers({ host }: Side): Promise<number[]> {
  const all = await host.processes();
  return all.filter(({ command }) => command.includes("fault-server")).map(({ pid }) => pid);
}

async function noneIsLeft(side: Side): Promise<void> {
  await until("no fault server is left", async () => (await faultServers(side)).length === 0);
}

async function sawAll(victim: Awaited<ReturnType<World["victim"]>>): Promise<void> {
  const numbers = async () => (await victim.lines()).filter(({ host }) => host === "beta").length;
  await until("every page was seen", async () => await numbers() > WHOLE);
}

/** Whether it restored with all memory at once after all. */
async function fellBack(server: PhaulRun): Promise<boolean> {
  return (await server.events()).some(({ event, message }) =>
    event === "warning" && String(message).includes("all memory at once")
  );
}

for (const restore of ["lazy", "eager"] as const) {
  for (const kind of ["sweep", "tree"] as const) {
    Deno.test(`migrate --restore ${restore}: a ${kind} has all its memory, and goes on and back`, async () => {
      await using world = await World.make();
      const victim = await world.victim({ kind, pages: 4096 });
      const server = await world.serve();
      await world.serve({}, world.alpha);
      const args = ["--restore", restore];
      await world.migrate(victim, { args });
      await sawAll(victim);
      await server.event("drained");
      assertEquals(await fellBack(server), false);
      await world.migrate(victim, { args }, world.beta);
      await victim.countsOn();
      await noneIsLeft(world.beta);
      await victim.expectStays("alpha", "beta", "alpha");
    });
  }
}

/** Sends a signal to each fault server that there comes to be, `most` of them; returns how many had it. */
async function strike(side: Side, name: "KILL" | "STOP", most: number): Promise<number> {
  const struck = new Set<number>();
  let idleSince = performance.now();
  while (struck.size < most && performance.now() - idleSince < IDLE_MS) {
    for (const pid of await faultServers(side)) {
      if (struck.has(pid)) continue;
      struck.add(pid);
      idleSince = performance.now();
      await side.host.signal(pid, name);
    }
  }
  return struck.size;
}

Deno.test("serve: fault servers that are killed, one after the other, cost time and no page", async () => {
  await using world = await World.make();
  const victim = await world.victim({ kind: "sweep", pages: PAGES });
  const server = await world.serve();
  const run = await world.startMigration(victim);
  await run.event("frozen");
  // How many it takes until all memory is there is a matter of speed.
  assert(await strike(world.beta, "KILL", 12) > 0);
  assertEquals(await run.code, 0, await run.said());
  await sawAll(victim);
  await server.event("drained");
  assertEquals(await fellBack(server), false);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("serve: a fault server that stands still is replaced", async () => {
  await using world = await World.make();
  const victim = await world.victim({ kind: "sweep", pages: PAGES });
  const server = await world.serve({ args: ["--stall-timeout", "2"] });
  const run = await world.startMigration(victim);
  await run.event("frozen");
  assertEquals(await strike(world.beta, "STOP", 1), 1);
  assertEquals(await run.code, 0, await run.said());
  await sawAll(victim);
  await server.event("drained");
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

for (const name of ["KILL", "TERM"] as const) {
  Deno.test(`serve: ended by SIG${name} as soon as the tree runs, leaves it all its memory`, async () => {
    await using world = await World.make();
    const victim = await world.victim({ kind: "sweep", pages: PAGES });
    const server = await world.serve();
    const run = await world.startMigration(victim);
    await run.event("running");
    await server.signal(name);
    await server.code;
    assertEquals(await run.code, 0, await run.said());
    await sawAll(victim);
    await noneIsLeft(world.beta);
    await world.serve();
    await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  });
}

Deno.test("serve: a held tree whose fault server died with phaul is not continued, but restored again", async () => {
  await using world = await World.make();
  const victim = await world.victim({ kind: "sweep", pages: PAGES });
  const server = await world.serve();
  await world.beta.hook.hold("prepared");
  const run = await world.startMigration(victim, { args: ["--peer-timeout", "4"] });
  await world.beta.hook.reached("prepared");
  await server.kill();
  for (const pid of await faultServers(world.beta)) await world.beta.host.signal(pid, "KILL");
  await world.beta.hook.release("prepared");
  assert(await run.code >= 40, await run.said());
  await world.serve();
  await world.expectOnly(victim, world.alpha, "alpha");
});
