import { assertEquals, assertRejects } from "@std/assert";
import {
  Errno,
  Fd,
  loadLibc,
  openFile,
  readable,
  recvMessage,
  sendMessage,
  seqpacketPair,
  writable,
} from "../../../src/sys/mod.ts";
import { libc } from "../../../src/sys/libc.ts";
import { isReadable } from "../../../src/sys/poller.ts";
import { fdTarget, runFixture, syscallErrorOf } from "./helpers.ts";

loadLibc();

const BYTE = new Uint8Array(1);

/** Long enough for a call to be in flight; nothing depends on it being so. */
const aMoment = () => new Promise((resolve) => setTimeout(resolve, 5));

Deno.test("readable: waits for a message", async () => {
  const [one, other] = seqpacketPair();
  using sender = one;
  using receiver = other;
  let ready = false;
  const wait = readable(receiver).then(() => ready = true);
  await aMoment();
  assertEquals([ready, isReadable(receiver)], [false, false]);
  await sendMessage(sender, BYTE);
  await wait;
  assertEquals([ready, isReadable(receiver)], [true, true]);
});

Deno.test("readable: the end of a stream counts", async () => {
  const [one, other] = seqpacketPair();
  using receiver = other;
  one.close();
  await readable(receiver);
});

Deno.test("readable: takes up a wait while another is in flight", async () => {
  const [one, other] = seqpacketPair();
  const [third, fourth] = seqpacketPair();
  using sender = one;
  using receiver = other;
  using lateSender = third;
  using lateReceiver = fourth;
  const abort = new AbortController();
  const first = readable(receiver, abort.signal);
  await aMoment();
  const late = readable(lateReceiver);
  await sendMessage(lateSender, BYTE);
  await late;
  await sendMessage(sender, BYTE);
  await first;
});

Deno.test("readable: two waits on the same descriptor both end", async () => {
  const [one, other] = seqpacketPair();
  using sender = one;
  using receiver = other;
  const waits = [readable(receiver), readable(receiver)];
  await sendMessage(sender, BYTE);
  await Promise.all(waits);
});

Deno.test("readable: aborting one wait leaves the others", async () => {
  const [one, other] = seqpacketPair();
  using sender = one;
  using receiver = other;
  const abort = new AbortController();
  const aborted = assertRejects(() => readable(receiver, abort.signal), Error, "enough");
  const kept = readable(receiver);
  await aMoment();
  abort.abort(new Error("enough"));
  await aborted;
  await sendMessage(sender, BYTE);
  await kept;
});

Deno.test("readable: aborted before the call began, or before it was made", async () => {
  const [one, other] = seqpacketPair();
  using _sender = one;
  using receiver = other;
  const abort = new AbortController();
  const pending = readable(receiver, abort.signal);
  abort.abort(new Error("enough"));
  await assertRejects(() => pending, Error, "enough");
  await assertRejects(() => readable(receiver, abort.signal), Error, "enough");
});

Deno.test("readable: EBADF on a closed descriptor, and on one that is closed meanwhile", async () => {
  const [one, other] = seqpacketPair();
  using _sender = one;
  const pending = syscallErrorOf(() => readable(other));
  await aMoment();
  other.close();
  assertEquals((await pending).errno, Errno.EBADF);
  assertEquals((await syscallErrorOf(() => readable(other))).errno, Errno.EBADF);
});

Deno.test("readable: EBADF, not a busy loop, when the number was closed behind its owner", async () => {
  using file = openFile("/dev/null", "read");
  // A number so high that nothing else is given it, such as the poller's eventfd.
  const F_DUPFD = 0;
  const raw = libc().fcntl(file.raw, F_DUPFD, 900);
  const fd = Fd.own(raw);
  Fd.own(raw).close();
  assertEquals((await syscallErrorOf(() => readable(fd))).errno, Errno.EBADF);
  fd.intoRaw();
});

Deno.test("readable: a close is seen by the peer though a wait was pending", async () => {
  const [one, other] = seqpacketPair();
  using peer = one;
  const pending = syscallErrorOf(() => readable(other));
  await aMoment();
  other.close();
  assertEquals(await recvMessage(peer), null);
  await pending;
});

Deno.test("readable: a wait whose number is reused does not answer for the new descriptor", async () => {
  const [one, other] = seqpacketPair();
  using _one = one;
  const raw = other.raw;
  const pending = syscallErrorOf(() => readable(other));
  other.close();
  const [third, fourth] = seqpacketPair();
  using sender = third;
  using receiver = fourth;
  assertEquals([third.raw, fourth.raw].includes(raw), true, "the number is used again");
  await sendMessage(sender, BYTE);
  await readable(receiver);
  assertEquals((await pending).errno, Errno.EBADF);
});

Deno.test("writable: at once while there is room", async () => {
  const [one, other] = seqpacketPair();
  using sender = one;
  using _receiver = other;
  await writable(sender);
});

Deno.test("poller: two hundred waits hold one thread, and file operations go on", async () => {
  const result = await runFixture("many_waiters");
  assertEquals(result.stderr, "");
  assertEquals(JSON.parse(result.stdout), { reads: 64, threads: 1, waits: 200 });
});

Deno.test("poller: nobody waits, so nothing keeps the program alive", async () => {
  const result = await runFixture("ends_by_itself");
  assertEquals(result, { code: 0, stdout: "enough enough\n", stderr: "" });
});

Deno.test("poller: a program that fails ends though somebody waits", async () => {
  const result = await runFixture("fails_while_waiting");
  assertEquals(result.code, 1);
  assertEquals(result.stderr.includes("failed on purpose"), true);
});

Deno.test("poller: leaves no eventfd open when nobody waits", async () => {
  const [one, other] = seqpacketPair();
  using sender = one;
  using receiver = other;
  const eventfds = () =>
    [...Deno.readDirSync("/proc/self/fd")].map((entry) => fdTarget(Number(entry.name)))
      .filter((target) => target === "anon_inode:[eventfd]").length;
  const before = eventfds();
  const pending = readable(receiver);
  assertEquals(eventfds(), before + 1);
  await sendMessage(sender, BYTE);
  await pending;
  assertEquals(eventfds(), before);
});
