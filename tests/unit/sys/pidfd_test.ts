import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  Errno,
  loadLibc,
  PidFd,
  readable,
  shutdownSocket,
  spawn,
  streamPair,
} from "../../../src/sys/mod.ts";
import {
  fdFlags,
  fdTarget,
  O_CLOEXEC,
  processStat,
  syscallErrorOf,
  untilState,
} from "./helpers.ts";

loadLibc();

const sleeper = () => spawn({ command: "sleep", args: ["1000"] });

Deno.test("PidFd.open: ESRCH on a pid that is dead", async () => {
  using child = spawn({ command: "true", args: [] });
  await child.wait();
  const error = await syscallErrorOf(() => PidFd.open(child.pid));
  assertEquals(error.errno, Errno.ESRCH);
  assertEquals(error.message, `Cannot pidfd_open ${child.pid}: ESRCH`);
});

Deno.test("PidFd.open: ESRCH on what cannot be a pid", async () => {
  for (const pid of [0, -1, 1.5, NaN, 2 ** 30]) {
    assertEquals((await syscallErrorOf(() => PidFd.open(pid))).errno, Errno.ESRCH);
  }
});

Deno.test("PidFd.signal: stops and continues", async () => {
  using child = sleeper();
  using hold = PidFd.open(child.pid);
  hold.signal("SIGSTOP");
  await untilState(child.pid, "T");
  hold.signal("SIGCONT");
  await untilState(child.pid, "SR");
});

Deno.test("PidFd.signal: a zombie takes it, a reaped process is ESRCH", async () => {
  using child = sleeper();
  using hold = PidFd.open(child.pid);
  hold.signal("SIGKILL");
  await hold.exited();
  assertEquals(processStat(child.pid)?.state, "Z");
  hold.signal("SIGTERM");
  await child.wait();
  const error = await syscallErrorOf(() => hold.signal("SIGTERM"));
  assertEquals(error.errno, Errno.ESRCH);
  assertEquals(error.message, `Cannot send SIGTERM to process ${child.pid}: ESRCH`);
});

Deno.test("PidFd.dead: false while it runs or is stopped, true for a zombie and ever after", async () => {
  using child = sleeper();
  using hold = PidFd.open(child.pid);
  assertEquals(hold.dead, false);
  hold.signal("SIGSTOP");
  await untilState(child.pid, "T");
  assertEquals(hold.dead, false);
  hold.signal("SIGKILL");
  await hold.exited();
  assertEquals(hold.dead, true);
  await child.wait();
  assertEquals(hold.dead, true);
});

Deno.test("PidFd.exited: works for a process that is not a child", async () => {
  using child = spawn({ command: "sh", args: ["-c", "sleep 1000 & wait"] });
  const children = `/proc/${child.pid}/task/${child.pid}/children`;
  let text = "";
  while (text === "") {
    text = await Deno.readTextFile(children);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  using grandchild = PidFd.open(Number(text));
  const exited = grandchild.exited();
  grandchild.signal("SIGKILL");
  await exited;
  assertEquals(await child.wait(), { code: 0 });
});

Deno.test("PidFd.exited: can be aborted without harm to the process", async () => {
  using child = sleeper();
  using hold = PidFd.open(child.pid);
  const abort = new AbortController();
  const pending = hold.exited(abort.signal);
  abort.abort(new Error("enough"));
  await assertRejects(() => pending, Error, "enough");
  assertEquals(hold.dead, false);
});

Deno.test("PidFd.close: use afterwards is EBADF, closing again is harmless", async () => {
  const hold = PidFd.open(Deno.pid);
  hold.close();
  hold.close();
  assert(hold.closed);
  assertEquals((await syscallErrorOf(() => hold.signal("SIGCONT"))).errno, Errno.EBADF);
  assertEquals((await syscallErrorOf(() => hold.dead)).errno, Errno.EBADF);
  assertEquals((await syscallErrorOf(() => hold.exited())).errno, Errno.EBADF);
});

Deno.test("PidFd.copyFd: the same open file, close-on-exec, in a stopped process too", async () => {
  const [one, other] = streamPair();
  using mine = one;
  using theirs = other;
  using child = spawn({ command: "sleep", args: ["1000"], stdin: theirs });
  using hold = PidFd.open(child.pid);
  hold.signal("SIGSTOP");
  await untilState(child.pid, "T");
  using copy = hold.copyFd(0);
  assertEquals(fdTarget(copy.raw), fdTarget(theirs.raw));
  assert((fdFlags(copy.raw) & O_CLOEXEC) !== 0, "close-on-exec");
  shutdownSocket(copy, "both");
  await readable(mine);
});

Deno.test("PidFd.copyFd: EBADF for what is not open, ESRCH for the dead", async () => {
  using child = sleeper();
  using hold = PidFd.open(child.pid);
  assertEquals((await syscallErrorOf(() => hold.copyFd(99))).errno, Errno.EBADF);
  hold.signal("SIGKILL");
  await child.wait();
  const error = await syscallErrorOf(() => hold.copyFd(0));
  assertEquals(error.errno, Errno.ESRCH);
  assertEquals(error.message, `Cannot copy fd 0 of process ${child.pid}: ESRCH`);
});
