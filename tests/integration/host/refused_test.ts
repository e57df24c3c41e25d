/** What the source refuses before anything is touched: the exit code, the reason and the remedy. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { BINARY } from "../../../tools/build.ts";
import { run } from "../../../tools/process.ts";
import { expectRefusal } from "./refusal.ts";
import { PORT, World } from "./world.ts";

Deno.test("migrate: a pid that nobody has is refused", async () => {
  await using world = await World.make();
  await world.serve();
  const run = await world.startMigration({ pid: 4_000_000 });
  await expectRefusal(run, 20, "Cannot find process 4000000", "pgrep");
});

Deno.test("migrate: a kernel thread is refused", async () => {
  // Kernel threads are seen by this machine alone, so phaul runs on it. Not every container has any.
  const { stdout } = await run("ps", ["-eo", "pid=,ppid=,comm="]);
  const thread = /^ *(\d+) +(?:0|2) +kthreadd/m.exec(stdout)?.[1];
  if (thread === undefined) return assertEquals(stdout.includes("kthreadd"), false);
  const args = ["migrate", "--pid", thread, "--peer", "127.0.0.1:1", "--insecure"];
  const criu = ["--criu", "/bin/true"];
  const { code, stderr } = await run(BINARY, [...args, ...criu]);
  assertEquals(code, 21, stderr);
  assertStringIncludes(stderr, "kernel");
});

Deno.test("migrate: phaul itself and the shell that it runs in are refused", async () => {
  await using world = await World.make();
  const peer = ["--peer", world.beta.address, "--criu", world.criu, "--insecure"];
  for (const script of [`exec "$0" migrate --pid $$ "$@"`, `"$0" migrate --pid $$ "$@"; exit $?`]) {
    const { code, stderr } = await world.alpha.host.try("bash", "-c", script, BINARY, ...peer);
    assertEquals(code, 22, stderr);
  }
});

Deno.test("migrate: who is not root is told so", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await Deno.chmod(world.dir, 0o755);
  const nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
  const args = ["migrate", "--pid", String(victim.pid), "--peer", world.beta.address, "--insecure"];
  const { code, stderr } = await world.alpha.host.try(...nobody, BINARY, ...args);
  assertEquals(code, 10, stderr);
  assertStringIncludes(stderr, "sudo");
  const served = await world.alpha.host.try(...nobody, BINARY, "serve", "--insecure");
  assertEquals(served.code, 10, served.stderr);
  await victim.expectStays("alpha");
});

Deno.test("migrate: a criu that is not there is named", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const run = await world.startMigration(victim, { args: ["--criu", "/nowhere/criu"] });
  await expectRefusal(run, 11, "/nowhere/criu", "--criu");
  await victim.expectStays("alpha");
});

Deno.test("migrate and serve: a criu older than 3.17 is refused", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  const fake = await fakeCriu(world, 3, 16);
  const run = await world.startMigration(victim, { args: ["--criu", fake] });
  await expectRefusal(run, 12, "Cannot use CRIU 3.16", "newer");
  await victim.expectStays("alpha");
  const server = await world.phaul(world.alpha, ["serve", "--json", "--criu", fake, "--insecure"]);
  await expectRefusal(server, 12, "Cannot use CRIU 3.16", "newer");
});

Deno.test("migrate: a job of a shell needs --shell-job, and moves with it", async () => {
  await using world = await World.make();
  const victim = await world.victim({ job: true });
  await world.serve();
  await expectRefusal(await world.startMigration(victim), 23, "led from outside", "--shell-job");
  await victim.expectStays("alpha");
  await world.migrate(victim, { args: ["--shell-job"] });
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("migrate: a program on a terminal needs --shell-job", async () => {
  await using world = await World.make();
  const path = `${world.dir}/terminal.pid`;
  const command = `echo $$ >${path}.new; mv ${path}.new ${path}; exec sleep 1000`;
  await world.alpha.host.start(["script", "-q", "-c", command, "/dev/null"]);
  const pid = await world.pidIn(path);
  const run = await world.startMigration({ pid });
  await expectRefusal(run, 23, "/dev/pts/", "--shell-job");
});

Deno.test("migrate: a TCP connection needs --tcp-established", async () => {
  await using world = await World.make();
  const path = `${world.dir}/connected.pid`;
  await world.serve();
  const peer = `/dev/tcp/${world.beta.address}/${PORT}`;
  const command = `exec 5<>${peer}; echo $$ >${path}.new; mv ${path}.new ${path}; exec sleep 1000`;
  await world.alpha.host.start(["setsid", "bash", "-c", command]);
  const run = await world.startMigration({ pid: await world.pidIn(path) });
  await expectRefusal(run, 24, "TCP", "--tcp-established");
});

Deno.test("migrate: a file lock needs --file-locks", async () => {
  await using world = await World.make();
  const path = `${world.dir}/locking.pid`;
  const command =
    `exec 5>${world.dir}/lock; flock 5; echo $$ >${path}.new; mv ${path}.new ${path}; ` +
    "exec sleep 1000";
  await world.alpha.host.start(["setsid", "bash", "-c", command]);
  const run = await world.startMigration({ pid: await world.pidIn(path) });
  await expectRefusal(run, 27, "lock", "--file-locks");
});

Deno.test("migrate: a process that runit would start again is refused", async () => {
  await using world = await World.make();
  const path = `${world.dir}/supervised.pid`;
  await Deno.symlink("/bin/bash", `${world.dir}/runsv`);
  const command = `setsid sleep 1000 & echo $! >${path}.new; mv ${path}.new ${path}; wait`;
  await world.alpha.host.start([`${world.dir}/runsv`, "-c", command]);
  const run = await world.startMigration({ pid: await world.pidIn(path) });
  await expectRefusal(run, 25, "second copy", "sv once");
});

Deno.test("migrate: a service that systemd would start again is refused", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await using cgroup = await world.serviceCgroup(victim.pid);
  await Deno.mkdir(`${world.dir}/bin`);
  const says = `Id=${cgroup.unit}\\nMainPID=${victim.pid}\\nRestart=always\\n`;
  const systemctl = `#!/bin/sh\nprintf '${says}'\n`;
  await Deno.writeTextFile(`${world.dir}/bin/systemctl`, systemctl, { mode: 0o755 });
  const env = { PATH: `${world.dir}/bin:${Deno.env.get("PATH")}` };
  const run = await world.startMigration(victim, { env });
  await expectRefusal(run, 25, "Restart=always", "daemon-reload");
  await victim.expectStays("alpha");
});

Deno.test("migrate: without dirty tracking it says so and copies while the process is frozen", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  const tracks = (await run(world.criu, ["check", "--feature", "mem_dirty_track"])).code === 0;
  const migration = await world.migrate(victim, { args: ["--mode", "pre-copy"] });
  const said = await migration.said();
  const iterations = (await migration.events()).filter(({ event }) => event === "iteration-end");
  assertEquals(iterations.length > 1, tracks, said);
  assertEquals(said.includes("stop-and-copy"), !tracks, said);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

/** A criu that knows nothing but its version. */
async function fakeCriu(world: World, major: number, minor: number): Promise<string> {
  const path = `${world.dir}/criu-${major}.${minor}`;
  const script = new URL("./fake_criu.ts", import.meta.url).pathname;
  const command = `exec "${Deno.execPath()}" run -A --quiet "${script}" ${major} ${minor} "$@"`;
  await Deno.writeTextFile(path, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
  return path;
}
