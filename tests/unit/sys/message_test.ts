import { assert, assertEquals, assertRejects } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import {
  Errno,
  type Fd,
  loadLibc,
  openFile,
  passCredentials,
  peekSender,
  recvMessage,
  sendMessage,
  seqpacketPair,
  spawn,
} from "../../../src/sys/mod.ts";
import { fdFlags, fdTarget, O_CLOEXEC, runFixture, syscallErrorOf } from "./helpers.ts";

loadLibc();

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
}

/** Both ends of a socket, closed after `action`. */
async function withPair(action: (one: Fd, other: Fd) => Promise<void>): Promise<void> {
  const [one, other] = seqpacketPair();
  using left = one;
  using right = other;
  await action(left, right);
}

for (const length of [1, 65_536, 200_000, 400_000]) {
  Deno.test(`sendMessage, recvMessage: ${length} bytes arrive as one message`, () =>
    withPair(async (one, other) => {
      const data = pattern(length);
      const arriving = recvMessage(other);
      await sendMessage(one, data);
      const message = await arriving;
      assertEquals(message?.fds, []);
      assertEquals(message?.data.length, length);
      assert(message?.data.every((byte, index) => byte === data[index]));
    }));
}

Deno.test("recvMessage: keeps messages apart and in order", () =>
  withPair(async (one, other) => {
    for (const length of [3, 1, 2]) await sendMessage(one, pattern(length));
    const lengths = [];
    for (let count = 0; count < 3; count++) lengths.push((await recvMessage(other))?.data.length);
    assertEquals(lengths, [3, 1, 2]);
  }));

Deno.test("sendMessage: waits while the peer's queue is full", () =>
  withPair(async (one, other) => {
    const total = 64; // the queue holds max_dgram_qlen messages, 10 by default
    let sent = 0;
    const sending = (async () => {
      for (; sent < total; sent++) await sendMessage(one, pattern(50_000));
    })();
    // Every send that does not have to wait is done before a timer fires.
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert(sent < total, "the queue took everything, so nothing was tested");
    for (let count = 0; count < total; count++) {
      assertEquals((await recvMessage(other))?.data.length, 50_000);
    }
    await sending;
  }));

Deno.test("sendMessage: a wait for room in the queue can be aborted", () =>
  withPair(async (one, other) => {
    const abort = new AbortController();
    const sending = (async () => {
      while (true) await sendMessage(one, pattern(50_000), [], { signal: abort.signal });
    })();
    await new Promise((resolve) => setTimeout(resolve, 0));
    abort.abort(new Error("enough"));
    await assertRejects(() => sending, Error, "enough");
    assertEquals((await recvMessage(other))?.data.length, 50_000);
  }));

Deno.test("sendMessage: passes descriptors, which the receiver owns", () =>
  withPair(async (one, other) => {
    const zero = openFile("/dev/zero", "read");
    using nothing = openFile("/dev/null", "read");
    await sendMessage(one, pattern(5), [zero, nothing]);
    const sentRaw = zero.raw;
    zero.close();
    const message = await recvMessage(other);
    assertEquals(message?.data, pattern(5));
    const fds = message?.fds ?? [];
    assertEquals(fds.map((fd) => fdTarget(fd.raw)), ["/dev/zero", "/dev/null"]);
    assert(fds.every((fd) => (fdFlags(fd.raw) & O_CLOEXEC) !== 0), "close-on-exec");
    assert(!nothing.closed && fds.every((fd) => fd.raw !== nothing.raw));
    fds.forEach((fd) => fd.close());
    assert(fdTarget(sentRaw) !== "/dev/zero");
  }));

Deno.test("recvMessage: takes as many descriptors as a message can carry", () =>
  withPair(async (one, other) => {
    await sendMessage(one, pattern(1), new Array(253).fill(one));
    const message = await recvMessage(other);
    assertEquals(message?.fds.length, 253);
    message?.fds.forEach((fd) => fd.close());
  }));

Deno.test("recvMessage: descriptors lost for want of numbers are an error, not silence", async () => {
  const wrapper = ["sh", "-c", 'ulimit -n 128; exec "$@"', "sh"];
  const result = await runFixture("lost_descriptors", { wrapper });
  assertEquals(result.stderr, "");
  assertEquals(JSON.parse(result.stdout), {
    message: "PhaulError: Cannot receive a message: some of its descriptors were lost",
    sameNumber: true,
  });
});

Deno.test("recvMessage: null when the peer has closed, after all it sent", () =>
  withPair(async (one, other) => {
    const pending = recvMessage(other);
    await sendMessage(one, pattern(4));
    one.close();
    assertEquals((await pending)?.data.length, 4);
    assertEquals(await recvMessage(other), null);
    assertEquals(await recvMessage(other), null);
  }));

Deno.test("recvMessage: a wait ends with null when the peer closes", () =>
  withPair(async (one, other) => {
    const pending = recvMessage(other);
    await new Promise((resolve) => setTimeout(resolve, 5));
    one.close();
    assertEquals(await pending, null);
  }));

Deno.test("recvMessage: the last words of a peer that died over our request are heard", () =>
  withPair(async (one, other) => {
    await sendMessage(one, pattern(100)); // never read: the kernel answers with ECONNRESET
    await sendMessage(other, pattern(7));
    other.close();
    assertEquals((await recvMessage(one))?.data.length, 7);
    assertEquals(await recvMessage(one), null);
  }));

Deno.test("recvMessage: can be aborted, and loses nothing by it", () =>
  withPair(async (one, other) => {
    const abort = new AbortController();
    const pending = recvMessage(other, { signal: abort.signal });
    await new Promise((resolve) => setTimeout(resolve, 5));
    abort.abort(new Error("enough"));
    await assertRejects(() => pending, Error, "enough");
    await assertRejects(() => recvMessage(other, { signal: abort.signal }), Error, "enough");
    await sendMessage(one, pattern(3));
    assertEquals((await recvMessage(other))?.data.length, 3);
  }));

Deno.test("recvMessage: rejects when its own descriptor is closed", () =>
  withPair(async (_one, other) => {
    const pending = syscallErrorOf(() => recvMessage(other));
    await new Promise((resolve) => setTimeout(resolve, 5));
    other.close();
    assertEquals((await pending).errno, Errno.EBADF);
  }));

Deno.test("sendMessage: EPIPE when the peer is gone, and no signal", () =>
  withPair(async (one, other) => {
    other.close();
    const error = await syscallErrorOf(() => sendMessage(one, pattern(1)));
    assertEquals(error.errno, Errno.EPIPE);
    assertEquals(error.message, "Cannot sendmsg: EPIPE");
  }));

Deno.test("sendMessage: refuses an empty message, which would read as the end", () =>
  withPair(async (one) => {
    await assertRejects(() => sendMessage(one, new Uint8Array(0)), PhaulError, "empty message");
  }));

Deno.test("peekSender: names who sent the next message, and leaves it there", () =>
  withPair(async (one, other) => {
    passCredentials(one, true);
    using child = spawn({ command: "echo", args: ["hello"], stdout: other });
    assertEquals(await peekSender(one), child.pid);
    await sendMessage(other, pattern(3));
    passCredentials(one, false);
    assertEquals(new TextDecoder().decode((await recvMessage(one))?.data), "hello\n");
    passCredentials(one, true);
    assertEquals(await peekSender(one), Deno.pid);
  }));

Deno.test("peekSender: null at the end, and for what was sent before it was asked for", () =>
  withPair(async (one, other) => {
    await sendMessage(other, pattern(1));
    assertEquals(await peekSender(one), null);
    passCredentials(one, true);
    await recvMessage(one);
    other.close();
    assertEquals(await peekSender(one), null);
  }));

Deno.test("peekSender: keeps no descriptor of a message that it looks at", () =>
  withPair(async (one, other) => {
    using file = openFile("/dev/null", "read");
    passCredentials(one, true);
    await sendMessage(other, pattern(1), [file]);
    const open = () => [...Deno.readDirSync("/proc/self/fd")].length;
    const before = open();
    assertEquals(await peekSender(one), Deno.pid);
    assertEquals(open(), before);
    passCredentials(one, false);
    const message = await recvMessage(one);
    assertEquals(message?.fds.length, 1);
    for (const fd of message?.fds ?? []) fd.close();
  }));
