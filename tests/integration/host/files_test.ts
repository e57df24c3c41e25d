/** Files that move along: hosts whose disks differ. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { expectRefusal } from "./refusal.ts";
import { until } from "./waiting.ts";
import { expectCode, type Side, World } from "./world.ts";
import { Writer } from "./writer.ts";

/** A place that each host has of its own, on beta as a file system of its own. */
async function ownDisks(world: World): Promise<string> {
  const disk = `${world.dir}/disk`;
  await Deno.mkdir(disk, { mode: 0o755 });
  await world.beta.host.run("mount", "-t", "tmpfs", "own", disk);
  return disk;
}

/** All that is below a directory of a host: names, kinds, modes, owners, sizes and times. */
async function listing({ host }: Side, dir: string): Promise<string> {
  const shown = ["find", ".", "-printf", "%P %y %m %U:%G %n %s %T@ %l\\n"];
  return (await host.run("sh", "-c", `cd "$0" && ${shown.map((w) => `'${w}'`).join(" ")} | sort`, dir))
    .trim();
}

Deno.test("migrate --fs tree: nothing that a writer wrote before the freeze is missing", async () => {
  await using world = await World.make();
  const { alpha, beta } = world;
  const disk = await ownDisks(world);
  const data = `${disk}/app/data`;
  await Deno.mkdir(data, { recursive: true });
  const writer = await Writer.start(world, alpha, data);
  await world.serve({ args: ["--allow-path", disk] });
  const run = await world.migrate(writer, { args: ["--fs", `tree:${data}`] });
  assertMatch(await writer.verdict(beta.host), /^beta OK \d+$/);
  assertMatch(await writer.verdict(beta.host), /^beta OK \d+$/);
  const files = (await run.events()).filter(({ event }) => event === "files");
  assertEquals(files.at(0)?.phase, "begin");
  assertEquals(files.at(-1)?.phase, "final");
  await until("all is final", async () => {
    const left = await beta.host.try("find", `${beta.stateDir}/files`, disk, "-name", "*.p*");
    return left.stdout === "" && (await world.journals(beta)).length === 0;
  });
  assertEquals(await beta.host.run("ls", "-A", disk), "app\n");
});
