/** A process goes into a file, and comes out of it again, on this host or another. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { PhaulRun } from "./phaul.ts";
import { until } from "./waiting.ts";
import { type Victim, victimStates } from "./victim.ts";
import { expectCode, type RunOptions, type Side, World } from "./world.ts";

const EXIT = { noSpace: 15, damaged: 35, used: 36, exists: 37, cancelled: 55, pidTaken: 33 };

function flags(world: World, side: Side): string[] {
  const { stateDir, workDir, hook } = side;
  const dirs = ["--state-dir", stateDir, "--work-dir", workDir];
  return ["--json", "--criu", world.criu, "--hook", hook.program, ...dirs];
}

async function startExport(
  world: World,
  victim: Victim,
  file: string,
  { args = [] }: RunOptions = {},
): Promise<PhaulRun> {
  const what = ["--pid", String(victim.pid), "--to-archive", file];
  return await world.phaul(world.alpha, [
    "migrate",
    ...what,
    ...flags(world, world.alpha),
    ...args,
  ]);
}

async function startRestore(
  world: World,
  file: string,
  side: Side,
  ...args: readonly string[]
): Promise<PhaulRun> {
  return await world.phaul(side, ["restore", file, ...flags(world, side), ...args]);
}

async function exported(world: World, victim: Victim, options?: RunOptions): Promise<string> {
  const file = `${world.dir}/tree.phaul`;
  await expectCode(await startExport(world, victim, file, options), 0);
  return file;
}

function exists(path: string): Promise<boolean> {
  return Deno.lstat(path).then(() => true, () => false);
}

async function expectNoArchive(file: string): Promise<void> {
  assert(!await exists(file), "there is an archive");
  await until("the half archive is gone", async () => !await exists(`${file}.partial`));
}

for (const kind of ["counter", "tree"] as const) {
  Deno.test(`migrate --to-archive: a ${kind} ends here, and counts on where it is restored`, async () => {
    await using world = await World.make();
    const victim = await world.victim({ kind, pages: 4096 });
    const file = await exported(world, victim);
    assertEquals(await victimStates(world.alpha.host), []);
    assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
    assert(!await exists(`${file}.partial`));
    const digest = await sha256(file);
    const count = await victim.count();
    await expectCode(await startRestore(world, file, world.beta), 0);
    await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
    assert(await victim.count() > count);
    assertEquals(await sha256(file), digest);
    assertEquals([await world.journals(world.alpha), await world.journals(world.beta)], [[], []]);
  });
}

Deno.test("restore: on the host that it came from, once", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const file = await exported(world, victim);
  await expectCode(await startRestore(world, file, world.alpha), 0);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
  const again = await startRestore(world, file, world.alpha);
  await expectCode(again, EXIT.used);
  assertMatch(await again.said(), /restored it before.*\n.*--again/);
  // With it, the pids of the copy that runs are in the way.
  await expectCode(await startRestore(world, file, world.alpha, "--again"), EXIT.pidTaken);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

for (const stage of ["checked", "connected", "iteration-begin", "frozen", "prepared"]) {
  Deno.test(`migrate --to-archive: Ctrl-C at ${stage} leaves the process and no archive`, async () => {
    await using world = await World.make();
    const victim = await world.victim();
    const file = `${world.dir}/tree.phaul`;
    await world.alpha.hook.hold(stage);
    const run = await startExport(world, victim, file);
    await world.alpha.hook.reached(stage);
    await run.signal("INT");
    await run.says("SIGINT");
    await world.alpha.hook.release(stage);
    await expectCode(run, EXIT.cancelled);
    await expectNoArchive(file);
    await world.expectOnlyAndClean(victim, world.alpha, "alpha");
    await exported(world, victim);
  });

  Deno.test(`migrate --to-archive: killed at ${stage} leaves the process and no archive`, async () => {
    await using world = await World.make();
    const victim = await world.victim();
    const file = `${world.dir}/tree.phaul`;
    await world.alpha.hook.hold(stage);
    const run = await startExport(world, victim, file);
    await world.alpha.hook.reached(stage);
    await run.kill();
    await world.alpha.hook.release(stage);
    await world.expectOnly(victim, world.alpha, "alpha");
    assert(!await exists(file));
    await expectCode(await world.recover(world.alpha), 0);
    await expectNoArchive(file);
    await exported(world, victim);
    assertEquals(await victimStates(world.alpha.host), []);
  });
}

Deno.test("migrate --to-archive: killed after the commit, is finished by phaul recover", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const file = `${world.dir}/tree.phaul`;
  await world.alpha.hook.hold("committed");
  const run = await startExport(world, victim, file);
  await world.alpha.hook.reached("committed");
  await run.kill();
  await world.alpha.hook.release("committed");
  // The tree does not run any more, and so may not be restored before that is sure.
  assert(!await exists(file));
  await expectCode(await world.recover(world.alpha), 0);
  assertEquals(await victimStates(world.alpha.host), []);
  await expectCode(await startRestore(world, file, world.beta), 0);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("migrate --to-archive: a criu that is killed leaves the process and no archive", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const file = `${world.dir}/tree.phaul`;
  await world.alpha.hook.hold("frozen");
  const run = await startExport(world, victim, file);
  await world.alpha.hook.reached("frozen");
  for (const { pid } of (await run.criu()).swrk) await world.alpha.host.signal(pid, "KILL");
  await world.alpha.hook.release("frozen");
  assert(await run.code !== 0);
  await expectNoArchive(file);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("migrate --to-archive: a full disk leaves the process and no archive", async () => {
  await using world = await World.make();
  const victim = await world.victim({ kind: "sweep", pages: 4096 });
  const disk = `${world.dir}/disk`;
  await Deno.mkdir(disk);
  await world.alpha.host.run("mount", "-t", "tmpfs", "-o", "size=16k", "disk", disk);
  const run = await startExport(world, victim, `${disk}/tree.phaul`);
  await expectCode(run, EXIT.noSpace);
  assertEquals((await world.alpha.host.run("ls", "-A", disk)).trim(), "");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("migrate --to-archive: nothing that is there is overwritten", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const file = `${world.dir}/tree.phaul`;
  await Deno.writeTextFile(file, "somebody's");
  await expectCode(await startExport(world, victim, file), EXIT.exists);
  assertEquals(await Deno.readTextFile(file), "somebody's");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("restore: a damaged archive, one cut off and another file start nothing", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const file = await exported(world, victim);
  const bytes = await Deno.readFile(file);
  const flipped = bytes.slice();
  flipped[flipped.length >> 1]! ^= 0x10;
  const forms = { flipped, short: bytes.subarray(0, -1), empty: bytes.subarray(0, 0) };
  for (const [name, content] of Object.entries(forms)) {
    await Deno.writeFile(`${world.dir}/${name}`, content);
    await expectCode(await startRestore(world, `${world.dir}/${name}`, world.beta), EXIT.damaged);
  }
  await expectCode(await startRestore(world, "/etc/passwd", world.beta), EXIT.damaged);
  assertEquals(await victimStates(world.beta.host), []);
  await world.clean(world.beta);
  await expectCode(await startRestore(world, file, world.beta), 0);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

for (const how of ["INT", "KILL"]) {
  Deno.test(`restore: SIG${how} while it is held leaves nothing, and it can be restored then`, async () => {
    await using world = await World.make();
    const victim = await world.victim({ kind: "tree" });
    const file = await exported(world, victim);
    await world.beta.hook.hold("prepared");
    const run = await startRestore(world, file, world.beta);
    await world.beta.hook.reached("prepared");
    await run.signal(how);
    await world.beta.hook.release("prepared");
    if (how === "INT") await expectCode(run, EXIT.cancelled);
    else await run.code;
    await until("no copy is left", async () => (await victimStates(world.beta.host)).length === 0);
    await expectCode(await startRestore(world, file, world.beta), 0);
    await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  });
}

async function sha256(path: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(path))).toHex();
}
