import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { CriuError, CriuSession, requireCriu } from "../../../src/criu/mod.ts";
import { PhaulError } from "../../../src/errors.ts";
import { Counter, criuPath, stateOf, TestDir, until } from "./fixture.ts";

async function criuSays(...args: string[]): Promise<{ code: number; stdout: string }> {
  const { code, stdout } = await new Deno.Command(criuPath, { args, stderr: "null" }).output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}

async function fails(doing: Promise<unknown>): Promise<CriuError> {
  const error = await assertRejects(() => doing);
  assertInstanceOf(error, CriuError);
  return error;
}

Deno.test("version: is what criu --version prints, over and over", async () => {
  await using session = CriuSession.start(criuPath);
  const { text } = await session.version();
  const printed = /^Version: (\S+)/m.exec((await criuSays("--version")).stdout)?.[1];
  assertEquals(text, printed);
  requireCriu(await session.version());
});

Deno.test("features: agree with criu check, dirty tracking absent or not", async () => {
  await using session = CriuSession.start(criuPath);
  const { memTrack, lazyPages } = await session.features();
  assertEquals(memTrack, (await criuSays("check", "--feature", "mem_dirty_track")).code === 0);
  assertEquals(lazyPages, (await criuSays("check", "--feature", "uffd-noncoop")).code === 0);
  assertEquals(typeof (await session.version()).major, "number");
});

Deno.test("cpuinfoCheck: a CPU fits itself", async () => {
  using dir = new TestDir();
  await using session = CriuSession.start(criuPath);
  if (Deno.build.arch === "aarch64") {
    await fails(session.cpuinfoDump(dir.path));
    return;
  }
  await session.cpuinfoDump(dir.path);
  for (const what of ["instructions", "registers"] as const) {
    await session.cpuinfoCheck(dir.path, what);
  }
});

Deno.test("start: a program that is no criu fails with its last words", async () => {
  using dir = new TestDir();
  const fake = `${dir.path}/criu`;
  Deno.writeTextFileSync(fake, "#!/bin/sh\necho no library here >&2; exit 3\n", { mode: 0o755 });
  await using session = CriuSession.start(fake);
  const error = await fails(session.version());
  assertEquals(error.reason, "criu ended with exit code 3: no library here");
  assertMatch(error.message, /^Cannot ask criu for its version: /);
});

Deno.test("close: a request under way fails, and criu is gone", async () => {
  const session = CriuSession.start(criuPath);
  const asked = fails(session.version());
  session.close();
  assertEquals((await asked).code, "criu-failed");
  await session.exited;
  await until(() => stateOf(session.pid) === undefined, "criu is still there");
});

Deno.test("dump: refused in post-dump, the tree runs on", async () => {
  using dir = new TestDir();
  using victim = new Counter(dir.sub("victim"));
  await victim.counts();
  const images = dir.sub("images");
  const seen: string[] = [];
  const no = new Error("not today");
  await using session = CriuSession.start(criuPath);
  const error = await fails(session.dump({ pid: victim.pid, imagesDir: images }, ({ name }) => {
    seen.push(name);
    if (name === "post-dump") throw no;
  }));
  assertEquals(error.cause, no);
  assertEquals(error.message, `Cannot dump process ${victim.pid}: not today`);
  assert(seen.includes("pre-dump") && seen.includes("post-dump"), seen.join());
  await victim.counts();
});

Deno.test("dump: the tree stands still in post-dump, and is gone once that is accepted", async () => {
  using dir = new TestDir();
  using victim = new Counter(dir.sub("victim"));
  await victim.counts();
  await using session = CriuSession.start(criuPath);
  const frozen: number[] = [];
  await session.dump({ pid: victim.pid, imagesDir: dir.sub("images") }, async ({ name }) => {
    if (name !== "post-dump") return;
    const before = victim.value;
    await new Promise((resolve) => setTimeout(resolve, 200));
    frozen.push(before, victim.value);
  });
  await victim.reaped();
  assertEquals(frozen.length, 2);
  assertEquals(frozen[1], frozen[0]);
  assertEquals(stateOf(victim.pid), undefined);
});

Deno.test("dump: criu killed in post-dump fails at once, and the tree runs on", async () => {
  using dir = new TestDir();
  using victim = new Counter(dir.sub("victim"));
  await victim.counts();
  await using session = CriuSession.start(criuPath);
  const error = await fails(
    session.dump({ pid: victim.pid, imagesDir: dir.sub("images") }, async ({ name }) => {
      if (name !== "post-dump") return;
      session.kill();
      await new Promise<never>(() => {});
    }),
  );
  assertEquals(error.reason, "criu was killed by SIGKILL");
  await victim.counts();
});

Deno.test("dump: of a process that is not there says so", async () => {
  using dir = new TestDir();
  await using session = CriuSession.start(criuPath);
  const pid = 4_000_000;
  const error = await fails(session.dump({ pid, imagesDir: dir.path }, () => {}));
  assertEquals(error.code, "criu-failed");
  assertMatch(error.reason, /No such (process|file)|not found|doesn't exist/i);
  assertEquals(error.logPath, `${dir.path}/dump.log`);
});

Deno.test("dump: a TCP connection names the option that carries it", async () => {
  using dir = new TestDir();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  using victim = new Counter(dir.sub("victim"), `exec 3<>/dev/tcp/127.0.0.1/${listener.addr.port}`);
  using _conn = await accepted;
  await victim.counts();
  await using session = CriuSession.start(criuPath);
  const error = await fails(
    session.dump({ pid: victim.pid, imagesDir: dir.sub("images") }, () => {}),
  );
  assertMatch(error.reason, /--tcp-established/);
  assertMatch(error.remedy ?? "", /--tcp-established/);
  await victim.counts();
});

Deno.test("dump: nothing more can be asked after it", async () => {
  using dir = new TestDir();
  await using session = CriuSession.start(criuPath);
  await fails(session.dump({ pid: 4_000_000, imagesDir: dir.path }, () => {}));
  const error = await assertRejects(() => session.version());
  assertInstanceOf(error, PhaulError);
  assertEquals(error.code, "internal");
});
