/** What the destination refuses, or cannot do: the process stays where it was. */

import { assertEquals } from "@std/assert";
import { expectRefusal } from "./refusal.ts";
import { expectCode, PORT, World } from "./world.ts";

Deno.test("serve: a port that is taken is named", async () => {
  await using world = await World.make();
  await world.serve();
  const again = await world.phaul(world.beta, [
    ...["serve", "--json", "--criu", world.criu],
    ...["--state-dir", `${world.dir}/other-state`, "--work-dir", `${world.dir}/other-work`],
  ]);
  await expectRefusal(again, 16, `:${PORT}`, "--listen");
});

Deno.test("serve: a working directory that cannot be written is named", async () => {
  await using world = await World.make();
  const { host, workDir, stateDir } = world.beta;
  await host.run("mkdir", "-m", "700", workDir);
  await host.run("mount", "-t", "tmpfs", "-o", "ro,mode=700", "tmpfs", workDir);
  const args = ["--json", "--criu", world.criu, "--work-dir", workDir, "--state-dir", stateDir];
  await expectRefusal(await world.phaul(world.beta, ["serve", ...args]), 14, workDir);
});

Deno.test("migrate: a working directory that cannot be written is named", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  const { host, workDir } = world.alpha;
  await host.run("mkdir", "-m", "700", workDir);
  await host.run("mount", "-t", "tmpfs", "-o", "ro,mode=700", "tmpfs", workDir);
  await expectRefusal(await world.startMigration(victim), 14, workDir);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("migrate: a full working directory here keeps the process here", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  const { host, workDir } = world.alpha;
  await host.run("mkdir", "-m", "700", workDir);
  await host.run("mount", "-t", "tmpfs", "-o", "size=32k,mode=700", "tmpfs", workDir);
  await expectRefusal(await world.startMigration(victim), 15, "o space", "--work-dir");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("migrate: a full working directory there keeps the process here", async () => {
  await using world = await World.make();
  const victim = await world.victim({ pages: 4096 });
  const { host, workDir } = world.beta;
  await host.run("mkdir", "-m", "700", workDir);
  await host.run("mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", workDir);
  await world.serve();
  await expectRefusal(await world.startMigration(victim), 15, "o space", "--work-dir");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("migrate: a file that is missing there is named", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  await hide(world);
  await expectRefusal(await world.startMigration(victim), 31, victim.path, "rsync");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("migrate: a file that differs there is named", async () => {
  await using world = await World.make();
  const data = `${world.dir}/data`;
  await Deno.writeTextFile(data, "what the program reads\n");
  const path = `${world.dir}/reader.pid`;
  const command = `exec 5<${data}; echo $$ >${path}.new; mv ${path}.new ${path}; exec sleep 1000`;
  await world.alpha.host.start(["setsid", "bash", "-c", command]);
  const pid = await world.pidIn(path);
  await world.serve();
  await Deno.writeTextFile(`${world.dir}/other`, "something else\n");
  await world.beta.host.run("mount", "--bind", `${world.dir}/other`, data);
  const run = await world.startMigration({ pid });
  await expectRefusal(run, 32, data, "rsync");
  assertEquals((await run.event("failed")).whereabouts, "source");
});

Deno.test("migrate: a file that vanishes there after the examination keeps the process here", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  await world.alpha.hook.hold("frozen");
  const run = await world.startMigration(victim);
  await world.alpha.hook.reached("frozen");
  await hide(world);
  await world.alpha.hook.release("frozen");
  await expectRefusal(run, 52, victim.path.slice(1));
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
  assertEquals((await server.event("aborted")).whereabouts, "source");
});

Deno.test("migrate: a pid that is taken there is named, and who has it", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  const taken = `echo ${victim.pid - 1} >/proc/sys/kernel/ns_last_pid; sleep 1000 & wait`;
  await world.beta.host.start(["bash", "-c", taken]);
  await world.hasProcess(world.beta, victim.pid);
  const run = await world.startMigration(victim);
  await expectRefusal(run, 33, `pid ${victim.pid} is taken by "sleep"`, "pid namespace");
  await victim.expectStays("alpha");
  await expectCode(run, 33);
});

/** Puts an empty directory over the victims' files, for beta alone. */
async function hide(world: World): Promise<void> {
  const hidden = world.dir;
  // What beta's phaul needs lies below it as well.
  const kept = `${world.dir}/beta`;
  await world.beta.host.run(
    ...[
      "bash",
      "-c",
      `
      mount -t tmpfs tmpfs /mnt && mkdir /mnt/kept && mount --bind "$1" /mnt/kept &&
      mount -t tmpfs tmpfs "$0" && mkdir "$1" && mount --move /mnt/kept "$1" && umount /mnt`,
    ],
    ...[hidden, kept],
  );
}
