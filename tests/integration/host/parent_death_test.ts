import { assertEquals, assertMatch } from "@std/assert";
import { appears, until } from "./waiting.ts";
import { victimProgram } from "./victim.ts";
import { World } from "./world.ts";

Deno.test("migrate: a process that is to die with its parent outlives the criu that restored it", async () => {
  await using world = await World.make();
  const path = `${world.dir}/numbers`;
  const program = [await victimProgram(), "job", "counter", path, "64"];
  // A shell stays behind as the parent. Setpriv becomes the victim, which forks no more.
  const shell = `setpriv --pdeathsig KILL setsid "$@" & wait`;
  await world.alpha.host.start(["setsid", "bash", "-c", shell, "bash", ...program]);
  await appears(`${path}.pid`);
  const pid = Number(await appears(`${path}.pid`));
  const server = await world.serve();
  await world.migrate({ pid });
  const counted = async () => (await Deno.readTextFile(path)).split("\n").length;
  await server.event("drained");
  const before = await counted();
  await until("it counts on, on beta", async () => await counted() > before + 100);
  assertMatch((await Deno.readTextFile(path)).trimEnd().split("\n").at(-1) ?? "", /^beta \d+$/);
  const told = (await server.events()).filter(({ event }) => event === "warning");
  assertEquals(told.filter(({ message }) => /PR_SET_PDEATHSIG/.test(String(message))).length, 1);
});
