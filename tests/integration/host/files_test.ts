/** Files that move along: hosts whose disks differ. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { PhaulRun } from "./phaul.ts";
import { expectRefusal } from "./refusal.ts";
import { until } from "./waiting.ts";
import { expectCode, type Side, World } from "./world.ts";
import { Writer } from "./writer.ts";

/** Of a file that never changes, much larger than all others. */
const BALLAST_BYTES = 30_000_000;

/** A place that each host has of its own, on beta as a file system of its own. */
async function ownDisks(world: World): Promise<string> {
  const disk = `${world.dir}/disk`;
  await Deno.mkdir(disk, { mode: 0o755 });
  await world.beta.host.run("mount", "-t", "tmpfs", "own", disk);
  return disk;
}

/** All that is below a directory of a host: names, kinds, modes, owners, links, sizes and times. */
async function listing({ host }: Side, dir: string): Promise<string> {
  const script =
    `cd "$0" && find . -name .phaul-files -prune -o -mindepth 1 -type d -printf '%P d %m %U:%G %T@\\n' -o \\
    -mindepth 1 -printf '%P %y %m %U:%G %n %s %T@ %l\\n' | sort`;
  return (await host.run("sh", "-c", script, dir)).trim();
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

Deno.test("migrate --fs tree: an aborted one leaves the destination as it was, and a retry has less to do", async () => {
  await using world = await World.make();
  const { alpha, beta } = world;
  const disk = await ownDisks(world);
  // Where state and files lie on one file system, all that is left of an attempt is in the state directory.
  const [srv, state] = [`${disk}/srv`, `${disk}/state`];
  const data = `${srv}/data`;
  await Deno.mkdir(data, { recursive: true });
  await Deno.writeFile(`${data}/ballast`, new Uint8Array(BALLAST_BYTES).fill(1));
  const writer = await Writer.start(world, alpha, data);
  await beta.host.run(
    "sh",
    "-c",
    'mkdir -p "$0" && echo precious >"$0/old" && touch -d @1 "$0"',
    data,
  );
  const before = await listing(beta, srv);
  await world.serve({ args: ["--allow-path", data, "--state-dir", state] });
  const token = `${world.dir}/token`;
  await Deno.writeTextFile(token, await beta.host.run("cat", `${state}/join-token`), {
    mode: 0o600,
  });
  const args = ["--fs", `tree:${data}`, "--token-file", token];
  await expectRefusal(await world.startMigration(writer, { args }), 32, data, "--overwrite");

  await alpha.hook.failAt("prepared");
  const failing = await world.startMigration(writer, { args: [...args, "--overwrite"] });
  await alpha.hook.reached("prepared");
  assertMatch(await listing(beta, data), /data0 f/);
  await alpha.hook.release("prepared");
  await expectCode(failing, 54);
  assertEquals(await listing(beta, srv), before);
  assertMatch(await writer.verdict(alpha.host), /^alpha OK/);

  await beta.host.run("sh", "-c", `rm '${alpha.host.dir}'/hook/fail-prepared`);
  const run = await world.migrate(writer, { args: [...args, "--overwrite"] });
  assertMatch(await writer.verdict(beta.host), /^beta OK/);
  const firstOf = async (run: PhaulRun) => Number((await run.event("files")).sentBytes);
  // What does not compress or change came with the attempt that failed.
  const saved = await firstOf(failing) - await firstOf(run);
  assert(saved > BALLAST_BYTES / 2, `${saved} bytes less`);
  assertEquals((await beta.host.try("test", "-e", `${data}/old`)).code, 1);
  await until(
    "what was replaced is gone",
    async () => (await beta.host.run("find", state, "-name", "old")) === "",
  );
});

Deno.test("migrate --fs tree: keeps links, holes, owners, modes, times, attributes and lists", async () => {
  await using world = await World.make();
  const { alpha, beta } = world;
  const disk = await ownDisks(world);
  const data = `${disk}/data`;
  await Deno.mkdir(data);
  const writer = await Writer.start(world, alpha, data);
  await alpha.host.run(
    "sh",
    "-ec",
    `cd "$0"; mkdir -m 2750 odd; cd odd; echo one >a; ln a b; ln -s /nowhere c; mkfifo d
     truncate -s 5M hole; echo x >>hole; chown 1234:4321 a; chmod 4711 a; touch -d @1.25 a
     printf 'z' >'new
line'; touch -d @7.5 .`,
    data,
  );
  const before = await listing(alpha, `${data}/odd`);
  await world.serve({ args: ["--allow-path", disk] });
  await world.migrate(writer, { args: ["--fs", `tree:${data}`] });
  assertEquals(await listing(beta, `${data}/odd`), before);
  const blocks = await beta.host.run("stat", "-c", "%b", `${data}/odd/hole`);
  assert(Number(blocks) < 100, `the hole takes ${blocks} blocks`);
});

Deno.test("migrate --fs tree: a phaul serve that dies with files in place puts them back, or makes them final", async () => {
  await using world = await World.make();
  const { alpha, beta } = world;
  const disk = await ownDisks(world);
  const data = `${disk}/data`;
  await Deno.mkdir(data);
  const writer = await Writer.start(world, alpha, data);
  await beta.host.run("sh", "-c", 'mkdir "$0" && echo precious >"$0/old"', data);
  const before = await listing(beta, disk);
  const allow = ["--allow-path", data];
  const args = ["--fs", `tree:${data}`, "--overwrite"];
  let server = await world.serve({ args: allow });

  await beta.hook.hold("prepared");
  const failing = await world.startMigration(writer, { args: [...args, "--commit-timeout", "2"] });
  await beta.hook.reached("prepared");
  await server.kill();
  await failing.code;
  assertMatch(await writer.verdict(alpha.host), /^alpha OK/);
  await beta.hook.release("prepared");
  server = await world.serve({ args: allow });
  await until("it is as before", async () => await listing(beta, disk) === before);
  await world.clean(beta);

  await alpha.hook.hold("committed");
  const moving = await world.startMigration(writer, { args });
  await alpha.hook.reached("committed");
  await server.kill();
  await world.serve({ args: allow });
  await alpha.hook.release("committed");
  await expectCode(moving, 0);
  assertMatch(await writer.verdict(beta.host), /^beta OK/);
  await until(
    "what was replaced is gone",
    async () =>
      (await beta.host.run("find", beta.stateDir, "-name", "old", "-o", "-name", "*.kept")) === "",
  );
});

Deno.test("serve: takes files in only where it was told to, and only from a source that has rsync", async () => {
  await using world = await World.make();
  const { alpha, beta } = world;
  const disk = await ownDisks(world);
  const data = `${disk}/data`;
  await Deno.mkdir(data);
  const writer = await Writer.start(world, alpha, data);
  await beta.host.run("ln", "-s", "/etc", `${disk}/link`);
  await world.serve({ args: ["--allow-path", `${disk}/allowed`] });
  const tries = [data, `${disk}/allowed-not`, `${disk}/link/below`, `${disk}/link`, "/proc/x"];
  for (const target of [...tries, beta.stateDir, disk, "/usr/phaul-evil"]) {
    const args = ["--fs", `tree:${data}:${target}`];
    await expectRefusal(await world.startMigration(writer, { args }), 38, target);
  }
  assertMatch(await writer.verdict(alpha.host), /^alpha OK/);
  const bin = `${world.dir}/bin`;
  await Deno.mkdir(bin);
  for (const name of ["nsenter", "bash", "mv"]) {
    await Deno.symlink((await alpha.host.run("which", name)).trim(), `${bin}/${name}`);
  }
  const args = ["--fs", `tree:${data}`];
  await expectRefusal(
    await world.startMigration(writer, { args, env: { PATH: bin } }),
    19,
    "no rsync",
  );
});
