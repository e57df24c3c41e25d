import { assert, assertEquals } from "@std/assert";
import { Errno, Fd, loadLibc, openFile, seqpacketPair } from "../../../src/sys/mod.ts";
import { fdFlags, fdTarget, O_CLOEXEC, runFixture, syscallErrorOf } from "./helpers.ts";

loadLibc();

Deno.test("Fd.close: closes the descriptor", () => {
  const fd = openFile("/dev/null", "read");
  const raw = fd.raw;
  assertEquals(fdTarget(raw), "/dev/null");
  fd.close();
  assert(fdTarget(raw) !== "/dev/null");
  assert(fd.closed);
});

Deno.test("Fd.close: a second call does not close what got the number since", () => {
  const first = openFile("/dev/null", "read");
  const raw = first.raw;
  first.close();
  using second = openFile("/dev/zero", "read");
  assertEquals(second.raw, raw, "the kernel gives out the lowest free number");
  first.close();
  first[Symbol.dispose]();
  assertEquals(fdTarget(raw), "/dev/zero");
});

Deno.test("Fd.close: a descriptor that somebody else closed is an error", async () => {
  const one = openFile("/dev/null", "read");
  const other = Fd.own(one.raw);
  one.close();
  assertEquals((await syscallErrorOf(() => other.close())).errno, Errno.EBADF);
});

Deno.test("Fd.raw: use after close is an error", async () => {
  const fd = openFile("/dev/null", "read");
  fd.close();
  const error = await syscallErrorOf(() => fd.raw);
  assertEquals(error.errno, Errno.EBADF);
  assertEquals(error.message, "Cannot use a closed descriptor: EBADF");
  assertEquals((await syscallErrorOf(() => fd.dup())).errno, Errno.EBADF);
});

Deno.test("Fd.intoRaw: gives ownership away", async () => {
  const fd = openFile("/dev/null", "read");
  const raw = fd.intoRaw();
  assert(fd.closed);
  fd.close();
  assertEquals(fdTarget(raw), "/dev/null");
  assertEquals((await syscallErrorOf(() => fd.intoRaw())).errno, Errno.EBADF);
  Fd.own(raw).close();
});

Deno.test("Fd.dup: another close-on-exec descriptor for the same file", () => {
  const [one, other] = seqpacketPair();
  using _other = other;
  const copy = one.dup();
  const target = fdTarget(one.raw);
  assert(copy.raw !== one.raw);
  assert((fdFlags(copy.raw) & O_CLOEXEC) !== 0);
  one.close();
  assertEquals(fdTarget(copy.raw), target);
  copy.close();
});

Deno.test("Fd.own: refuses what is no descriptor", async () => {
  for (const raw of [-1, 1.5, NaN]) {
    assertEquals((await syscallErrorOf(() => Fd.own(raw))).errno, Errno.EBADF);
  }
});

Deno.test("Fd: disposed of at the end of its block", () => {
  let raw: number;
  {
    using fd = openFile("/dev/null", "read");
    raw = fd.raw;
  }
  assert(fdTarget(raw) !== "/dev/null");
});

Deno.test("Fd.onRelease: tells once, and not after it was taken off", () => {
  const fd = openFile("/dev/null", "read");
  const told: string[] = [];
  fd.onRelease(() => told.push("kept"));
  fd.onRelease(() => told.push("taken off"))();
  fd.close();
  fd.close();
  assertEquals(told, ["kept"]);
});

Deno.test("sys: as many descriptors open afterwards as before", async () => {
  const result = await runFixture("fd_balance");
  assertEquals(result.stderr, "");
  const { before, after } = JSON.parse(result.stdout);
  assertEquals(after, before);
});

Deno.test("sys: nothing is loaded at import time", async () => {
  const result = await runFixture("import_only", { permissions: [] });
  assertEquals(result, { code: 0, stdout: "function\n", stderr: "" });
});
