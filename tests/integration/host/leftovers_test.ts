/** The tests' own hosts: what they leave on this machine, which is nothing. */

import { assertEquals } from "@std/assert";
import { run } from "../../../tools/process.ts";
import { World } from "./world.ts";

/** Processes, links and mounts of this machine that have to do with a world. */
async function traces(dir: string): Promise<string[]> {
  const processes = (await run("ps", ["-eo", "pid=,args="])).stdout;
  const links = (await run("ip", ["-oneline", "link"])).stdout;
  const mounts = await Deno.readTextFile("/proc/self/mounts");
  const temporary = await Array.fromAsync(Deno.readDir(dir.replace(/\/[^/]*$/, "")));
  return [
    ...[processes, mounts].flatMap((text) => text.split("\n").filter((line) => line.includes(dir))),
    ...links.split("\n").filter((line) => / wire[@:]/.test(line)),
    ...temporary.map(({ name }) => name).filter((name) => dir.endsWith(`/${name}`)),
  ];
}

Deno.test("hosts: leave no process, link, mount or file behind after a migration", async () => {
  let dir = "";
  {
    await using world = await World.make();
    dir = world.dir;
    const victim = await world.victim({ kind: "tree" });
    await world.serve();
    await world.migrate(victim);
    await world.expectOnly(victim, world.beta, "alpha", "beta");
  }
  assertEquals(await traces(dir), []);
});

Deno.test("hosts: leave nothing behind when a test fails in the middle of a migration", async () => {
  let dir = "";
  try {
    await using world = await World.make();
    dir = world.dir;
    const victim = await world.victim();
    await world.serve();
    await world.alpha.hook.hold("frozen");
    await world.startMigration(victim);
    await world.alpha.hook.reached("frozen");
    throw new Error("on purpose");
  } catch (error) {
    if (!(error instanceof Error) || error.message !== "on purpose") throw error;
  }
  assertEquals(await traces(dir), []);
});
