/** What a tree has open, on hosts whose disks differ. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { expectRefusal } from "./refusal.ts";
import { victimProgram } from "./victim.ts";
import { appears, until } from "./waiting.ts";
import { expectCode, type Side, World } from "./world.ts";

const OPENER = new URL("./opener.pl", import.meta.url).pathname;

/** A place that each host has of its own. */
async function ownDisks(world: World): Promise<string> {
  const disk = `${world.dir}/disk`;
  await Deno.mkdir(disk, { mode: 0o755 });
  await world.beta.host.run("mount", "-t", "tmpfs", "own", disk);
  return disk;
}

/** The numbers in a file of a host, which are to be from 1 on without a gap. */
async function countIn({ host }: Side, path: string): Promise<number> {
  const numbers = (await host.run("cat", path)).split("\n").slice(0, -1)
    .map((line) => Number(line.split(" ").at(-1)));
  assertEquals(numbers.findIndex((number, index) => number !== index + 1), -1, "a gap");
  return numbers.length;
}

async function countsOn(side: Side, path: string): Promise<void> {
  const before = await countIn(side, path);
  await until("it counts on", async () => await countIn(side, path) > before);
}

Deno.test("migrate --fs open: a program, its file and its directories come where nothing is", async () => {
  await using world = await World.make();
  const { alpha, beta } = world;
  const disk = await ownDisks(world);
  await Deno.mkdir(`${disk}/app/bin`, { recursive: true });
  await Deno.chmod(`${disk}/app`, 0o750);
  await Deno.copyFile(await victimProgram(), `${disk}/app/bin/victim`);
  await Deno.writeTextFile(`${disk}/app/other`, "nobody has it open");
  const numbers = `${disk}/app/numbers`;
  await alpha.host.run(`${disk}/app/bin/victim`, "counter", numbers, "64");
  const pid = Number(await appears(`${numbers}.pid`));
  await world.serve();

  await alpha.hook.failAt("prepared");
  const failing = await world.startMigration({ pid }, { args: ["--fs", "open"] });
  await alpha.hook.reached("prepared");
  assertEquals(await beta.host.run("ls", `${disk}/app`), "bin\nnumbers\n");
  await alpha.hook.release("prepared");
  await expectCode(failing, 54);
  assertEquals(await beta.host.run("ls", "-A", disk), "");
  await Deno.remove(`${alpha.host.dir}/hook/fail-prepared`);
  await countsOn(alpha, numbers);

  const run = await world.migrate({ pid }, { args: ["--fs", "open"] });
  await countsOn(beta, numbers);
  assertEquals(await beta.host.run("stat", "-c", "%a", `${disk}/app`), "750\n");
  assertEquals(await beta.host.run("readlink", `/proc/${pid}/exe`), `${disk}/app/bin/victim\n`);
  const found = (await run.events()).filter(({ event }) => event === "examined");
  assertStringIncludes(JSON.stringify(found), "it is brought over");
  await world.clean(beta);
  assertEquals((await beta.host.run("ls", "-A", disk)).trim(), "app");
});

Deno.test("migrate --fs open: a FIFO, a socket's path, a working directory and a deleted file", async () => {
  await using world = await World.make();
  const { alpha, beta } = world;
  const disk = await ownDisks(world);
  await alpha.host.run("perl", OPENER, disk);
  const pid = Number(await appears(`${disk}/pid`));
  await world.serve();
  const without = await world.startMigration({ pid }, { args: ["--fs", "shared"] });
  assert(await without.code !== 0);
  await alpha.hook.failAt("prepared");
  const failing = await world.startMigration({ pid }, { args: ["--fs", "open"] });
  await alpha.hook.reached("prepared");
  await alpha.hook.release("prepared");
  await expectCode(failing, 54);
  assertEquals(await beta.host.run("ls", "-A", disk), "");
  await Deno.remove(`${alpha.host.dir}/hook/fail-prepared`);
  await world.migrate({ pid }, { args: ["--fs", "open"] });
  await countsOn(beta, `${disk}/log`);
  const kinds = await beta.host.run("sh", "-c", 'cd "$0" && stat -c "%n %F %a" *', disk);
  assertMatch(kinds, /^fifo fifo 640$/m);
  assertMatch(kinds, /^socket socket /m);
  const fds = await beta.host.run(
    "sh",
    "-c",
    `cd /proc/${pid}/fd && stat -L -c %s * && readlink ../cwd`,
  );
  assertMatch(fds, /^2000000$/m);
  assertStringIncludes(fds, `${disk}/work`);
});

Deno.test("migrate --fs open: another file in the way is never overwritten unasked", async () => {
  await using world = await World.make();
  const { alpha, beta } = world;
  const disk = await ownDisks(world);
  const numbers = `${disk}/numbers`;
  await alpha.host.run(await victimProgram(), "counter", numbers, "64");
  const pid = Number(await appears(`${numbers}.pid`));
  const precious = async () => await beta.host.run("cat", numbers);
  await beta.host.run("sh", "-c", 'echo precious >"$0"', numbers);
  const server = await world.serve();
  const args = ["--fs", "open"];
  await expectRefusal(await world.startMigration({ pid }, { args }), 32, numbers);
  const asked = await world.startMigration({ pid }, { args: [...args, "--overwrite"] });
  await expectRefusal(asked, 38, numbers, "--allow-path");
  assertEquals(await precious(), "precious\n");
  await server.signal("TERM");
  await server.code;
  await world.serve({ args: ["--allow-path", disk] });
  await alpha.hook.failAt("prepared");
  const failing = await world.startMigration({ pid }, { args: [...args, "--overwrite"] });
  await alpha.hook.reached("prepared");
  assertMatch(await precious(), /^alpha 1\n/);
  await alpha.hook.release("prepared");
  await expectCode(failing, 54);
  assertEquals(await precious(), "precious\n");
  await Deno.remove(`${alpha.host.dir}/hook/fail-prepared`);
  await world.migrate({ pid }, { args: [...args, "--overwrite"] });
  await countsOn(beta, numbers);
});

Deno.test("migrate --fs exec: a program is called at each step, and may end the migration before the commit", async () => {
  await using world = await World.make();
  const { alpha, beta } = world;
  const victim = await world.victim();
  await world.serve();
  const [program, told] = [`${world.dir}/mover`, `${world.dir}/told`];
  const script = `#!/bin/sh\ncat >>${told}\n[ ! -e ${program}-fails-$PHAUL_FILES ]\n`;
  await Deno.writeTextFile(program, script, { mode: 0o755 });
  const args = ["--fs", `exec:${program}`];
  const steps = async () => {
    const lines = (await Deno.readTextFile(told)).trim().split("\n");
    await Deno.remove(told);
    return lines.map((line): { event: string; pid: number } => JSON.parse(line));
  };
  for (const step of ["begin", "final"]) {
    await Deno.writeTextFile(`${program}-fails-${step}`, "");
    await expectRefusal(await world.startMigration(victim, { args }), 90, `"${step}"`);
    assertEquals((await steps()).map(({ event }) => event).slice(-2), [step, "abort"]);
    await Deno.remove(`${program}-fails-${step}`);
  }
  await world.expectOnlyAndClean(victim, alpha, "alpha");
  await Deno.writeTextFile(`${program}-fails-commit`, "");
  const run = await world.migrate(victim, { args });
  assertStringIncludes(await run.said(), `"commit"`);
  const all = await steps();
  assertEquals([all[0]?.event, ...all.slice(-2).map(({ event }) => event)], [
    "begin",
    "final",
    "commit",
  ]);
  assertEquals(all[0]?.pid, victim.pid);
  await world.expectOnlyAndClean(victim, beta, "alpha", "beta");
});
