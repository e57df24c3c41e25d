import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  acceptUnix,
  connectUnix,
  Errno,
  type Fd,
  listenUnix,
  loadLibc,
  readable,
  recvBytes,
  seqpacketPair,
  shutdownSocket,
  spawn,
  streamPair,
  writeAll,
} from "../../../src/sys/mod.ts";
import { fdFlags, O_CLOEXEC, O_NONBLOCK, syscallErrorOf } from "./helpers.ts";

loadLibc();

function assertRaw(fd: Fd): void {
  assert((fdFlags(fd.raw) & O_CLOEXEC) !== 0, "close-on-exec");
  assert((fdFlags(fd.raw) & O_NONBLOCK) === 0, "blocking");
}

Deno.test("seqpacketPair, streamPair: blocking and close-on-exec", () => {
  for (const fd of [...seqpacketPair(), ...streamPair()]) {
    using owned = fd;
    assertRaw(owned);
  }
});

Deno.test("connectUnix: a blocking end for a child, an ordinary Deno.Conn on the other side", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/socket`;
  const listener = Deno.listen({ transport: "unix", path });
  try {
    const accepting = listener.accept();
    const end = connectUnix(path);
    using conn = await accepting;
    assertRaw(end);
    using child = spawn({ command: "echo", args: ["hello"], stdout: end });
    end.close();
    assertEquals(await new Response(conn.readable).text(), "hello\n");
    assertEquals(await child.wait(), { code: 0 });
  } finally {
    try {
      listener.close();
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }
});

Deno.test("connectUnix: an error names the path", async () => {
  const error = await syscallErrorOf(() => connectUnix("/does/not/exist"));
  assertEquals(error.errno, Errno.ENOENT);
  assertEquals(error.message, "Cannot connect '/does/not/exist': ENOENT");
});

Deno.test("shutdownSocket: ends the connection though another process holds the socket", async () => {
  const [one, other] = streamPair();
  using end = one;
  using peer = other;
  using _holder = spawn({ command: "sleep", args: ["1000"], inherit: [end] });
  shutdownSocket(end, "both");
  await readable(peer);
  using reader = spawn({ command: "cat", args: [], stdin: peer });
  assertEquals(await reader.wait(), { code: 0 }, "cat sees the end of the stream");
});

Deno.test("shutdownSocket: harmless when the peer is gone, or twice", () => {
  const [one, other] = streamPair();
  using end = one;
  other.close();
  shutdownSocket(end, "write");
  shutdownSocket(end, "both");
  shutdownSocket(end, "both");
});

Deno.test("listenUnix, acceptUnix: each connection in turn, raw ends without a path", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/socket`;
  try {
    using listener = listenUnix(path);
    assert((fdFlags(listener.raw) & O_CLOEXEC) !== 0);
    using first = connectUnix(path);
    using second = connectUnix(path);
    for (const end of [first, second]) {
      using accepted = await acceptUnix(listener);
      assertRaw(accepted);
      writeAll(end, new Uint8Array([7]));
      assertEquals((await recvBytes(accepted, 1))?.data, new Uint8Array([7]));
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("acceptUnix: waits for a connection, and until its signal is aborted", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/socket`;
  try {
    using listener = listenUnix(path);
    const accepting = acceptUnix(listener);
    using _end = connectUnix(path);
    (await accepting).close();
    const controller = new AbortController();
    const reason = new Error("enough");
    const waiting = assertRejects(() => acceptUnix(listener, controller.signal));
    controller.abort(reason);
    assertEquals(await waiting, reason);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("listenUnix: an error names the path", async () => {
  const missing = await syscallErrorOf(() => listenUnix("/does/not/exist"));
  assertEquals(missing.message, "Cannot bind '/does/not/exist': ENOENT");
});
