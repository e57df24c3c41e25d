import { assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { CriuError, CriuSession, type NotifyContext } from "../../../src/criu/mod.ts";
import type { ResponseMessage } from "../../../src/criu/messages.ts";
import { PhaulError } from "../../../src/errors.ts";
import { loadLibc } from "../../../src/sys/mod.ts";
import { FakeCriu, notify } from "./fake_criu.ts";

// Loaded at first use and never unloaded, which a test would be blamed for.
loadLibc();

const DUMPED: ResponseMessage = { type: "DUMP", success: true };
const ENDED_UNEXPECTEDLY = "criu was killed by SIGKILL";

async function fails(doing: Promise<unknown>): Promise<CriuError> {
  const error = await assertRejects(() => doing);
  assertInstanceOf(error, CriuError);
  return error;
}

async function withDir<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await Deno.makeTempDir();
  try {
    return await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("version: keeps the session open and reads the parts", async () => {
  const criu = new FakeCriu(
    { type: "VERSION", success: true, version: { majorNumber: 3, minorNumber: 17, sublevel: 1 } },
    { type: "VERSION", success: true, version: { majorNumber: 4, minorNumber: 2 } },
  );
  using session = new CriuSession(criu);
  assertEquals(await session.version(), { major: 3, minor: 17, sub: 1, text: "3.17.1" });
  assertEquals((await session.version()).text, "4.2");
  assertEquals(criu.asked[0], { type: "VERSION", keepOpen: true });
});

Deno.test("features: an answer that leaves one out means that it is not there", async () => {
  const criu = new FakeCriu({
    type: "FEATURE_CHECK",
    success: true,
    features: { lazyPages: true },
  });
  using session = new CriuSession(criu);
  assertEquals(await session.features(), { memTrack: false, lazyPages: true, pidfdStore: false });
});

Deno.test("features: a criu that does not know the kernel is told with what to do", async () => {
  using session = new CriuSession(new FakeCriu({ type: "FEATURE_CHECK", success: false }));
  const error = await fails(session.features());
  assertMatch(error.message, /^Cannot ask criu for its features: it does not work on this kernel/);
  assertMatch(error.remedy ?? "", /newer criu/);
});

Deno.test("startPageServer: the answer is of another type than the request", () =>
  withDir(async (imagesDir) => {
    const criu = new FakeCriu(
      { type: "PAGE_SERVER", success: true, ps: { pid: 77 } },
      { type: "WAIT_PID", success: true, status: 256 },
    );
    using session = new CriuSession(criu);
    assertEquals(await session.startPageServer({ imagesDir }), { pid: 77 });
    assertEquals(await session.waitPageServer(77), 256);
    const [start, wait] = criu.asked;
    assertEquals([start?.type, start?.keepOpen], ["PAGE_SERVER_CHLD", true]);
    // status-ready would land on the RPC socket.
    assertEquals(start?.opts?.notifyScripts ?? false, false);
    assertEquals(wait, { type: "WAIT_PID", pid: 77 });
  }));

Deno.test("dump: asks for notifies and answers each one, unknown ones too", () =>
  withDir(async (imagesDir) => {
    const criu = new FakeCriu(notify("pre-dump"), notify("brand-new"), notify("post-dump"), DUMPED);
    using session = new CriuSession(criu);
    const names: string[] = [];
    await session.dump({ pid: 5, imagesDir }, ({ name }) => void names.push(name));
    assertEquals(names, ["pre-dump", "brand-new", "post-dump"]);
    const [asked, ...answers] = criu.asked;
    assertEquals(asked?.opts?.notifyScripts, true);
    assertEquals(asked?.keepOpen, undefined);
    for (const answer of answers) assertEquals(answer, { type: "NOTIFY", notifySuccess: true });
    assertEquals(answers.length, 3);
  }));

Deno.test("dump: what the handler throws is answered as failure and is the cause", () =>
  withDir(async (imagesDir) => {
    const cause = new PhaulError("cancelled", "The operator gave up");
    const criu = new FakeCriu(notify("post-dump"), notify("network-unlock"), {
      ...DUMPED,
      success: false,
    });
    using session = new CriuSession(criu);
    const error = await fails(session.dump({ pid: 5, imagesDir }, async ({ name }) => {
      await Promise.resolve();
      if (name === "post-dump") throw cause;
    }));
    assertEquals(error.cause, cause);
    assertEquals(error.message, "Cannot dump process 5: The operator gave up");
    assertEquals(criu.asked.slice(1).map((m) => m.notifySuccess), [false, true]);
  }));

Deno.test("dump: throwing undefined is a failure all the same", () =>
  withDir(async (imagesDir) => {
    const criu = new FakeCriu(notify("post-dump"), { ...DUMPED, success: false });
    using session = new CriuSession(criu);
    await fails(session.dump({ pid: 5, imagesDir }, () => Promise.reject()));
    assertEquals(criu.asked.at(-1), { type: "NOTIFY", notifySuccess: false });
  }));

Deno.test("dump: a criu that dies while the handler waits fails at once", () =>
  withDir(async (imagesDir) => {
    const criu = new FakeCriu(notify("post-dump"), "death");
    using session = new CriuSession(criu);
    const error = await fails(session.dump({ pid: 5, imagesDir }, async () => {
      criu.die();
      await new Promise<never>(() => {});
    }));
    assertEquals(error.reason, ENDED_UNEXPECTEDLY);
  }));

Deno.test("dump: the log's reason counts before cr_errmsg, and a log of before does not", () =>
  withDir(async (imagesDir) => {
    const log = `${imagesDir}/dump.log`;
    const failed = { ...DUMPED, success: false, crErrno: 3, crErrmsg: "Error (a.c:1): by message" };
    await Deno.writeTextFile(log, "Error (a.c:1): of another time\n");
    using stale = new CriuSession(new FakeCriu(failed));
    const byMessage = await fails(stale.dump({ pid: 5, imagesDir }, () => {}));
    assertEquals([byMessage.reason, byMessage.errno], ["by message", 3]);

    using fresh = new CriuSession(new FakeCriu(notify("pre-dump"), failed));
    const byLog = await fails(
      fresh.dump({ pid: 5, imagesDir }, () => Deno.writeTextFile(log, "Error (a.c:2): by log\n")),
    );
    assertEquals(byLog.reason, "by log");
    assertEquals(byLog.lines, ["Error (a.c:2): by log"]);
    assertEquals(byLog.logPath, log);
  }));

Deno.test("dump: without any words the errno has a name", () =>
  withDir(async (imagesDir) => {
    const crErrmsg = "Error (criu/rlimit.c:54): Can't setup RLIMIT_NOFILE for self";
    const criu = new FakeCriu({ ...DUMPED, success: false, crErrno: 28, crErrmsg });
    using session = new CriuSession(criu);
    const error = await fails(session.dump({ pid: 5, imagesDir }, () => {}));
    assertEquals(error.reason, "criu says ENOSPC");
  }));

Deno.test("restore: notifies carry the root's pid and descriptors, which are closed", () =>
  withDir(async (imagesDir) => {
    const criu = new FakeCriu(
      notify("orphan-pts-master"),
      notify("post-restore", 99),
      { type: "RESTORE", success: true, restore: { pid: 99 } },
    );
    using session = new CriuSession(criu);
    const seen: NotifyContext[] = [];
    const { pid } = await session.restore({ imagesDir }, (n) => void seen.push(n));
    assertEquals(pid, 99);
    assertEquals(seen.map(({ name, pid }) => [name, pid]), [
      ["orphan-pts-master", undefined],
      ["post-restore", 99],
    ]);
    assertEquals(criu.fds.map((fd) => fd.closed), [true]);
    assertEquals(seen[0]?.fd === criu.fds[0], true);
  }));

Deno.test("restore: a refusal has a code of its own", () =>
  withDir(async (imagesDir) => {
    using session = new CriuSession(new FakeCriu({ type: "EMPTY", success: false }));
    const error = await fails(session.restore({ imagesDir }));
    assertEquals(error.code, "restore-failed");
    assertMatch(error.message, /^Cannot restore the process tree: criu gave no reason$/);
  }));

Deno.test("restore: an answer without a pid is none", () =>
  withDir(async (imagesDir) => {
    using session = new CriuSession(new FakeCriu({ type: "RESTORE", success: true }));
    await assertRejects(() => session.restore({ imagesDir }), PhaulError);
  }));

Deno.test("version: bytes that are no message, or of another type, fail", async () => {
  const answers = [new Uint8Array([0xff, 0xff]), new Uint8Array([8, 99, 16, 1]), DUMPED];
  for (const answer of answers) {
    using session = new CriuSession(new FakeCriu(answer));
    assertEquals((await fails(session.version())).code, "criu-failed");
  }
});

Deno.test("preDump: only pre-dumps and one dump may follow", () =>
  withDir(async (imagesDir) => {
    const done: ResponseMessage = { type: "PRE_DUMP", success: true };
    using session = new CriuSession(new FakeCriu(done, done, DUMPED));
    await session.preDump({ pid: 5, imagesDir });
    await assertRejects(() => session.version(), PhaulError, "pre-dumped");
    await session.preDump({ pid: 5, imagesDir });
    await session.dump({ pid: 5, imagesDir }, () => {});
    await assertRejects(() => session.preDump({ pid: 5, imagesDir }), PhaulError, "spent");
  }));

Deno.test("CriuSession: one request at a time", () =>
  withDir(async (imagesDir) => {
    using session = new CriuSession(new FakeCriu(notify("pre-dump"), DUMPED));
    await session.dump({ pid: 5, imagesDir }, async () => {
      await assertRejects(() => session.version(), PhaulError, "busy");
    });
  }));

Deno.test("kill: takes along a worker that pre-dumps, but no restored tree", () =>
  withDir(async (imagesDir) => {
    const preDumping = new FakeCriu("death");
    using session = new CriuSession(preDumping);
    const asked = fails(session.preDump({ pid: 5, imagesDir }));
    session.kill();
    assertEquals((await asked).reason, ENDED_UNEXPECTEDLY);
    assertEquals(preDumping.killed[0], "with-children");

    const restoring = new FakeCriu({ type: "RESTORE", success: true, restore: { pid: 9 } });
    using other = new CriuSession(restoring);
    await other.restore({ imagesDir });
    other.kill();
    assertEquals(restoring.killed, [undefined]);
  }));
