import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  Errno,
  type Fd,
  loadLibc,
  openFile,
  readableAmong,
  recvBytes,
  recvMessage,
  sendMessage,
  seqpacketPair,
  streamPair,
  takeMessage,
  trySendMessage,
  writeAll,
} from "../../../src/sys/mod.ts";
import { fdFlags, fdTarget, O_CLOEXEC, syscallErrorOf } from "./helpers.ts";

loadLibc();

const BYTES = new Uint8Array([1, 2, 3]);

async function withPair(
  pair: () => [Fd, Fd],
  action: (one: Fd, other: Fd) => unknown,
): Promise<void> {
  const [one, other] = pair();
  using left = one;
  using right = other;
  await action(left, right);
}

Deno.test("takeMessage: says what is there without waiting for it", () =>
  withPair(seqpacketPair, async (one, other) => {
    assertEquals(takeMessage(other), undefined);
    await sendMessage(one, BYTES);
    await sendMessage(one, BYTES.subarray(1));
    assertEquals(takeMessage(other), { data: BYTES, fds: [] });
    assertEquals(takeMessage(other)?.data, BYTES.slice(1));
    assertEquals(takeMessage(other), undefined);
    one.close();
    assertEquals(takeMessage(other), null);
  }));

Deno.test("trySendMessage: descriptors go with it, and are the receiver's", () =>
  withPair(seqpacketPair, (one, other) => {
    using file = openFile("/dev/null", "read");
    assert(trySendMessage(one, BYTES, [file]));
    const message = takeMessage(other);
    assertEquals(message?.data, BYTES);
    const [arrived] = message?.fds ?? [];
    if (!arrived) throw new Error("No descriptor arrived");
    assertEquals(fdTarget(arrived.raw), "/dev/null");
    assert((fdFlags(arrived.raw) & O_CLOEXEC) !== 0);
    arrived.close();
  }));

Deno.test("trySendMessage: gives up when the queue is full, and nothing of it arrives", () =>
  withPair(seqpacketPair, (one, other) => {
    const long = new Uint8Array(50_000);
    let sent = 0;
    while (trySendMessage(one, long)) sent++;
    assert(sent > 0);
    for (; sent > 0; sent--) assertEquals(takeMessage(other)?.data.length, 50_000);
    assertEquals(takeMessage(other), undefined);
    assert(trySendMessage(one, long));
  }));

Deno.test("trySendMessage: a peer that is gone is an error", () =>
  withPair(seqpacketPair, async (one, other) => {
    other.close();
    const { errno } = await syscallErrorOf(() => trySendMessage(one, BYTES));
    assertEquals(errno, Errno.EPIPE);
  }));

Deno.test("recvBytes: exactly so many bytes of a stream, however they come", () =>
  withPair(streamPair, async (one, other) => {
    const receiving = recvBytes(other, 6);
    writeAll(one, BYTES);
    await new Promise((resolve) => setTimeout(resolve, 0));
    writeAll(one, new Uint8Array([4, 5, 6, 7]));
    assertEquals((await receiving)?.data, new Uint8Array([1, 2, 3, 4, 5, 6]));
    assertEquals((await recvBytes(other, 1))?.data, new Uint8Array([7]));
  }));

Deno.test("recvBytes: descriptors come with their byte and not before it", () =>
  withPair(streamPair, async (one, other) => {
    using file = openFile("/dev/null", "read");
    writeAll(one, new Uint8Array(4));
    assert(trySendMessage(one, new Uint8Array([9]), [file]));
    assertEquals((await recvBytes(other, 4))?.fds, []);
    const message = await recvBytes(other, 1);
    assertEquals(message?.data, new Uint8Array([9]));
    assertEquals(message?.fds.map((fd) => fdTarget(fd.raw)), ["/dev/null"]);
    for (const fd of message?.fds ?? []) fd.close();
  }));

Deno.test("recvBytes: a stream that ends before is null", () =>
  withPair(streamPair, async (one, other) => {
    writeAll(one, BYTES);
    one.close();
    assertEquals(await recvBytes(other, 4), null);
    assertEquals(await recvBytes(other, 4), null);
  }));

Deno.test("recvBytes: ends with its signal", () =>
  withPair(streamPair, async (_one, other) => {
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = assertRejects(() => recvBytes(other, 1, { signal }), Error, "enough");
    controller.abort(new Error("enough"));
    await waiting;
  }));

Deno.test("readableAmong: names those that have something, or have ended", () =>
  withPair(seqpacketPair, async (one, other) => {
    const [third, fourth] = seqpacketPair();
    using quiet = third;
    using closing = fourth;
    assertEquals(readableAmong([one, other, quiet], 0), []);
    await sendMessage(one, BYTES);
    assertEquals(readableAmong([one, other, quiet], -1), [1]);
    closing.close();
    assertEquals(readableAmong([one, other, quiet], -1), [1, 2]);
    assertEquals(readableAmong([], 0), []);
    await recvMessage(other);
  }));
