import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hostCriu } from "../../tools/host_criu.ts";
import { binary, type Ended, RunningPhaul, runPhaul, sleeper, tempDir } from "./binary.ts";

/** Everything but the refusal of other users happens behind the check for root. */
const ignore = Deno.uid() !== 0;
/** A pid that cannot be: the kernel's limit is 4194304. */
const NO_PID = "4194304";

/** Checks the report at the end: where the process is, what failed, the remedy. */
function assertRefused(ended: Ended, code: number, about: RegExp): void {
  assertEquals([ended.code, ended.stdout], [code, ""], ended.stderr);
  const lines = ended.stderr.trim().split("\n");
  const report = lines.slice(
    lines.findIndex((line) => /^Process \d/.test(line)),
  );
  const [_where, what = "", remedy = ""] = report;
  assert(about.test(what), what);
  assert(!what.endsWith("."), what);
  // Nothing can be done about a process that is not there or is the kernel's.
  assert(code === 20 || code === 21 || remedy !== "", `there is no remedy: ${ended.stderr}`);
}

async function refused(args: readonly string[]): Promise<Ended> {
  return await runPhaul(["migrate", "--peer", "127.0.0.1:1", ...args]);
}

for (
  const [args, about] of [
    [["move"], 'Cannot run "move"'],
    [["migrate"], "Cannot do without --peer HOST[:PORT]"],
    [["migrate", "--peer", "dst"], "Cannot do without one of --pid"],
    [["migrate", "--pid", "1", "--peer", "dst", "--fast"], '"--fast"'],
    [["serve", "--listen", "here"], '--listen "here"'],
    [["restore"], "Cannot do without the FILE"],
    [["restore", "/a", "--fast"], '"--fast"'],
    [["migrate", "--pid", "1", "--to-archive", "/a", "--peer", "dst"], "Cannot use --peer"],
  ] as const
) {
  Deno.test(`phaul ${args.join(" ")}: exit code 2, naming what is wrong and the help`, async () => {
    const { code, stdout, stderr } = await runPhaul(args);
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, about);
    assertStringIncludes(stderr, 'See "phaul help');
  });
}

Deno.test({ name: "phaul migrate: no such pid", ignore }, async () => {
  const criu = await hostCriu();
  assertRefused(await refused(["--pid", NO_PID, "--criu", criu]), 20, /4194304/);
});

/** A kernel thread; a container shows none. */
const kernelThread = await Deno.readTextFile("/proc/2/comm").then(
  (comm) => comm === "kthreadd\n",
  () => false,
);

Deno.test({
  name: "phaul migrate: a kernel thread",
  ignore: ignore || !kernelThread,
}, async () => {
  assertRefused(await refused(["--pid", "2", "--criu", await hostCriu()]), 21, /kernel/);
});

Deno.test({ name: "phaul migrate: itself or an ancestor", ignore }, async () => {
  const criu = await hostCriu();
  assertRefused(await refused(["--pid", String(Deno.pid), "--criu", criu]), 22, /phaul/);
});

Deno.test({ name: "phaul migrate: a criu that is missing", ignore }, async () => {
  await using victim = await sleeper();
  const args = ["--pid", String(victim.pid), "--criu", "/nowhere/criu"];
  assertRefused(await refused(args), 11, /\/nowhere\/criu/);
});

Deno.test({ name: "phaul migrate: a token that is missing", ignore }, async () => {
  await using dir = await tempDir();
  await using victim = await sleeper();
  const token = `${dir.path}/token`;
  const args = ["--pid", String(victim.pid), "--criu", await hostCriu(), "--token-file", token];
  assertRefused(await refused(args), 45, /token/);
});

Deno.test({ name: "phaul migrate: a token that others may read", ignore }, async () => {
  await using dir = await tempDir();
  await using victim = await sleeper();
  const token = `${dir.path}/token`;
  await Deno.writeTextFile(token, "phaul1:AAAA\n", { mode: 0o644 });
  const args = ["--pid", String(victim.pid), "--criu", await hostCriu(), "--token-file", token];
  assertRefused(await refused(args), 45, /token/);
});

Deno.test({ name: "phaul migrate: a peer that cannot be reached", ignore }, async () => {
  await using victim = await sleeper();
  const args = ["--pid", String(victim.pid), "--criu", await hostCriu(), "--insecure"];
  const { code, stderr } = await refused(args);
  assertEquals(code, 40, stderr);
  assertStringIncludes(stderr, "127.0.0.1:1");
});

Deno.test({ name: "phaul migrate, serve: not root", ignore }, async () => {
  await using dir = await tempDir();
  await Deno.chmod(dir.path, 0o755);
  const program = `${dir.path}/phaul`;
  await Deno.copyFile(await binary(), program);
  for (const args of [["migrate", "--pid", "1", "--peer", "dst"], ["serve"], ["selftest"]]) {
    const { code, stderr } = await runPhaul(args, { uid: 65_534, program });
    assertEquals(code, 10, stderr);
    assertStringIncludes(stderr, "root");
  }
});

Deno.test({ name: "phaul serve: a port in use", ignore }, async () => {
  await using dir = await tempDir();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = (taken.addr as Deno.NetAddr).port;
  const { code, stderr } = await runPhaul([
    ...["serve", "--listen", `127.0.0.1:${port}`, "--criu", await hostCriu()],
    ...["--state-dir", `${dir.path}/state`, "--work-dir", `${dir.path}/work`],
  ]);
  assertEquals(code, 16, stderr);
  assertStringIncludes(stderr, String(port));
});

Deno.test({ name: "phaul serve: a working directory that cannot be", ignore }, async () => {
  await using dir = await tempDir();
  const { code, stderr } = await runPhaul([
    ...["serve", "--listen", "127.0.0.1:0", "--criu", await hostCriu()],
    ...["--state-dir", `${dir.path}/state`, "--work-dir", "/proc/phaul"],
  ]);
  assertEquals(code, 14, stderr);
  assertStringIncludes(stderr, "/proc/phaul");
});

Deno.test({ name: "phaul migrate: the wrong token", ignore }, async () => {
  await using dir = await tempDir();
  await using victim = await sleeper();
  const criu = await hostCriu();
  const serve = (name: string) =>
    RunningPhaul.start([
      ...["serve", "--listen", "127.0.0.1:0", "--criu", criu],
      ...["--state-dir", `${dir.path}/${name}`, "--work-dir", `${dir.path}/${name}-work`],
    ]);
  await using server = await serve("one");
  await using other = await serve("two");
  const { port } = await server.event("listening");
  const { tokenFile } = await other.event("listening");
  const { code, stderr } = await runPhaul([
    ...["migrate", "--pid", String(victim.pid), "--peer", `127.0.0.1:${port}`, "--criu", criu],
    ...["--token-file", String(tokenFile), "--work-dir", `${dir.path}/source-work`],
  ]);
  assertEquals(code, 44, stderr);
  assertStringIncludes(stderr, `\nProcess ${victim.pid} is on this host`);
});
