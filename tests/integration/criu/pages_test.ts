import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import {
  CriuError,
  CriuPageServer,
  CriuSession,
  openPageChannel,
  readDumpStats,
} from "../../../src/criu/mod.ts";
import { PhaulError } from "../../../src/errors.ts";
import {
  copyImages,
  Counter,
  criuPath,
  relay,
  signalGroup,
  stateOf,
  TestDir,
  until,
} from "./fixture.ts";

/** CRIU 4.2 changed the header of its page protocol. */
async function usesWideHeaders(): Promise<boolean> {
  await using session = CriuSession.start(criuPath);
  const { major, minor } = await session.version();
  return major > 4 || (major === 4 && minor >= 2);
}

/** Dumps `victim` over a relay into `there`; returns what passed. */
async function dumpThrough(dir: TestDir, victim: Counter, here: string, there: string) {
  using source = await openPageChannel(dir.sub("source"));
  using destination = await openPageChannel(dir.sub("destination"));
  const server = new CriuPageServer(criuPath, destination.criuEnd);
  await server.begin({ imagesDir: there });
  const relayed = relay(source, destination);
  await using session = CriuSession.start(criuPath, { inherit: [source.criuEnd] });
  const options = { pid: victim.pid, imagesDir: here, pageServerFd: source.criuEnd };
  await session.dump(options, async ({ name }) => {
    if (name === "post-dump") await server.end();
  });
  await victim.reaped();
  source.shutdown();
  destination.shutdown();
  return await relayed;
}

Deno.test("restore: what came over a page server counts on under the same pid", async () => {
  using dir = new TestDir();
  using victim = new Counter(dir.sub("victim"));
  await victim.counts();
  const [here, there] = [dir.sub("here"), dir.sub("there")];
  const passed = await dumpThrough(dir, victim, here, there);
  assert(passed.ended);
  assertEquals(passed.headerBytes, await usesWideHeaders() ? 32 : 24);
  const stats = await readDumpStats(here);
  assertEquals(passed.pages, stats.pagesWritten + stats.shpagesWritten);
  assert(stats.frozenTimeUs > 0);
  assert(![...Deno.readDirSync(here)].some(({ name }) => name.startsWith("pages-")));

  const stood = victim.value;
  copyImages(here, there);
  await using session = CriuSession.start(criuPath);
  const { pid } = await session.restore({ imagesDir: there, leaveStopped: true });
  assertEquals(pid, victim.pid);
  await session.exited;
  await until(() => stateOf(pid) === "T", "it does not stop");
  assertEquals(victim.value, stood);
  signalGroup(pid, "SIGCONT");
  await victim.counts();
  assert(victim.value > stood);
});

Deno.test("restore: refused in post-restore, nothing of the tree is left", async () => {
  using dir = new TestDir();
  using victim = new Counter(dir.sub("victim"));
  await victim.counts();
  const images = dir.sub("images");
  {
    await using session = CriuSession.start(criuPath);
    await session.dump({ pid: victim.pid, imagesDir: images }, () => {});
    await victim.reaped();
  }
  await using session = CriuSession.start(criuPath);
  const held: number[] = [];
  const error = await assertRejects(() =>
    session.restore({ imagesDir: images }, ({ name, pid }) => {
      if (name !== "post-restore") return;
      held.push(pid ?? -1);
      throw new Error("given up");
    })
  );
  assertInstanceOf(error, CriuError);
  assertEquals(error.message, "Cannot restore the process tree: given up");
  assertEquals(error.code, "restore-failed");
  assertEquals(held, [victim.pid]);
  await until(() => [undefined, "Z"].includes(stateOf(victim.pid)), "it is still there");
});

Deno.test("restore: a pid that is taken is said with what to do", async () => {
  using dir = new TestDir();
  using victim = new Counter(dir.sub("victim"));
  await victim.counts();
  const images = dir.sub("images");
  {
    await using session = CriuSession.start(criuPath);
    const refused = session.dump({ pid: victim.pid, imagesDir: images }, ({ name }) => {
      if (name === "post-dump") throw new Error("keep it");
    });
    await assertRejects(() => refused);
  }
  await using session = CriuSession.start(criuPath);
  const error = await assertRejects(() => session.restore({ imagesDir: images }));
  assertInstanceOf(error, CriuError);
  assertEquals(error.code, "restore-failed");
  assertMatch(error.reason, new RegExp(`${victim.pid}.*File exists`));
  assertMatch(error.remedy ?? "", /pid/);
  await victim.counts();
});

Deno.test("CriuPageServer: one that is killed fails, and breaks the channel", async () => {
  using dir = new TestDir();
  using channel = await openPageChannel(dir.sub("channel"));
  const server = new CriuPageServer(criuPath, channel.criuEnd);
  const imagesDir = dir.sub("images");
  await server.begin({ imagesDir });
  Deno.kill(await pageServerOf(Deno.pid), "SIGKILL");
  const error = await assertRejects(() => server.failed);
  assertInstanceOf(error, PhaulError);
  assertMatch(error.message, /killed by SIGKILL/);
  assertEquals(await channel.conn.read(new Uint8Array(1)), null);
  await assertRejects(() => server.end());
});

Deno.test("CriuPageServer: a stream cut short fails", async () => {
  using dir = new TestDir();
  using channel = await openPageChannel(dir.sub("channel"));
  const server = new CriuPageServer(criuPath, channel.criuEnd);
  const imagesDir = dir.sub("images");
  await server.begin({ imagesDir });
  channel.shutdown();
  const error = await assertRejects(() => server.end());
  assertInstanceOf(error, PhaulError);
  assertMatch(error.message, /^Cannot take pages in: .*not flushed/);
});

Deno.test("CriuPageServer: aborted, it is gone, and the next iteration can begin", async () => {
  using dir = new TestDir();
  using channel = await openPageChannel(dir.sub("channel"));
  const server = new CriuPageServer(criuPath, channel.criuEnd);
  for (const name of ["1", "2"]) {
    const imagesDir = dir.sub(name);
    await server.begin({ imagesDir });
    const pid = await pageServerOf(Deno.pid);
    await server.abort();
    await until(() => [undefined, "Z"].includes(stateOf(pid)), "the page server is still there");
  }
});

Deno.test("dump: a page channel that is shut down lets the tree run on", async () => {
  using dir = new TestDir();
  using victim = new Counter(dir.sub("victim"));
  await victim.counts();
  using channel = await openPageChannel(dir.sub("channel"));
  await using session = CriuSession.start(criuPath, { inherit: [channel.criuEnd] });
  const options = {
    pid: victim.pid,
    imagesDir: dir.sub("images"),
    pageServerFd: channel.criuEnd,
  };
  const dumping = session.dump(options, () => {});
  const failed = assertRejects(() => dumping);
  // Nobody answers, so criu waits for the page server's first reply.
  await Promise.race([channel.conn.read(new Uint8Array(24)), dumping]);
  channel.shutdown();
  assertInstanceOf(await failed, CriuError);
  await victim.counts();
});

/** The grandchild that serves pages: criu's child. */
async function pageServerOf(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,ppid="] }).output();
  const rows = new TextDecoder().decode(stdout).trim().split("\n").map((line) =>
    line.trim().split(/\s+/).map(Number)
  );
  const childrenOf = (parent: number) =>
    rows.filter(([, ppid]) => ppid === parent).map(([child]) => child ?? -1);
  const [server] = childrenOf(pid).flatMap(childrenOf);
  if (server === undefined) throw new Error("no page server runs");
  return server;
}
