import { assertEquals, assertInstanceOf } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import {
  ControlLink,
  RemoteError,
  type Reply,
  replyTypeOf,
  type Request,
} from "../../../src/wire/mod.ts";
import { encodeEnvelope, type Envelope } from "../../../src/wire/envelope.ts";
import { frame, maxControlFrameBytes } from "../../../src/wire/frames.ts";
import { failure } from "./errors.ts";
import { linkPair } from "./loopback.ts";
import { memoryPair, type MemoryStream } from "./memory_stream.ts";
import { begin, migrationId, replies, requests } from "./samples.ts";

const options = { peerTimeoutMs: 60_000 };
const commit = { type: "commit", migrationId, forced: false } as const;

function answerOf(request: Request): Promise<Reply> {
  const reply = replies.find(({ type }) => type === replyTypeOf[request.type]);
  return reply ? Promise.resolve(reply) : Promise.reject(new Error("no such reply"));
}

/** A link whose peer is the test itself. */
function linkWithRawPeer(): { link: ControlLink; raw: MemoryStream } {
  const [a, raw] = memoryPair();
  return { link: new ControlLink(a, options), raw };
}

function send(raw: MemoryStream, envelope: Envelope): Promise<void> {
  return raw.write(frame(encodeEnvelope(envelope), maxControlFrameBytes));
}

for (const kind of ["tls", "insecure"] as const) {
  Deno.test(`ControlLink: every request gets its reply, over ${kind}`, async () => {
    await using pair = await linkPair(kind);
    const seen: Request[] = [];
    pair.destination.serve((request) => {
      seen.push(request);
      return answerOf(request);
    });
    for (const request of requests) {
      assertEquals(await pair.source.request(request), await answerOf(request));
    }
    assertEquals(seen, requests);
  });

  Deno.test(`ControlLink: the end of one side is the loss of the other, over ${kind}`, async () => {
    await using pair = await linkPair(kind);
    const waiting = pair.destination.request(commit);
    pair.source.close();
    assertEquals((await pair.destination.lost).code, "peer-lost");
    await failure("peer-lost", waiting);
    await failure("peer-lost", pair.destination.request(commit));
    await failure("peer-lost", pair.source.request(commit));
    assertEquals((await pair.source.lost).code, "peer-lost");
  });

  Deno.test(`ControlLink: a message of nearly a mebibyte passes, over ${kind}`, async () => {
    await using pair = await linkPair(kind);
    const path = "/" + "x".repeat(4000);
    const files = Array.from(
      { length: 250 },
      () => ({ path, size: 1, kind: "file", mode: 0, appendOnly: false } as const),
    );
    pair.destination.serve((request) => {
      assertEquals(request.type === "begin" && request.files, files);
      return answerOf(request);
    });
    await pair.source.request({ ...begin, files });
  });
}

Deno.test("ControlLink: both sides may ask at once", async () => {
  await using pair = await linkPair("insecure");
  pair.source.serve(answerOf);
  pair.destination.serve(answerOf);
  const both = [pair.source.request(commit), pair.destination.request(commit)];
  assertEquals(await Promise.all(both), [{ type: "running", steps: [] }, {
    type: "running",
    steps: [],
  }]);
});

Deno.test("ControlLink: a request that came before serve is answered after it", async () => {
  await using pair = await linkPair("insecure");
  const asked = pair.source.request(commit);
  pair.destination.serve(answerOf);
  assertEquals(await asked, { type: "running", steps: [] });
});

Deno.test("ControlLink: replies find their requests in whatever order they come", async () => {
  await using pair = await linkPair("insecure");
  const first = Promise.withResolvers<void>();
  pair.destination.serve(async (request) => {
    if (request.type === "prepare") await first.promise;
    return await answerOf(request);
  });
  const prepare = pair.source.request({
    type: "prepare",
    processes: [],
    connections: [],
    imageCount: 0,
    imageBytes: 0,
  });
  assertEquals(await pair.source.request(commit), { type: "running", steps: [] });
  first.resolve();
  assertEquals(await prepare, {
    type: "ready",
    migrationId,
    steps: [{ name: "final-dump", agoUs: 12_345 }],
  });
});

Deno.test("ControlLink: what the handler throws arrives as a RemoteError", async () => {
  await using pair = await linkPair("insecure");
  pair.destination.serve(() => {
    throw new PhaulError("no-space", 'Cannot write "x"\n', { remedy: "Make room" });
  });
  const error = await failure("no-space", pair.source.request(commit));
  assertInstanceOf(error, RemoteError);
  assertEquals([error.message, error.remedy], ['Cannot write "x"', "Make room"]);
});

Deno.test("ControlLink: a failed request leaves the link usable", async () => {
  await using pair = await linkPair("insecure");
  let asked = 0;
  pair.destination.serve((request) => {
    if (asked++ === 0) throw new TypeError("a defect");
    return answerOf(request);
  });
  await failure("peer-failed", pair.source.request(commit));
  assertEquals(await pair.source.request(commit), { type: "running", steps: [] });
});

Deno.test("ControlLink: a request with bad fields fails here and leaves the link usable", async () => {
  await using pair = await linkPair("insecure");
  pair.destination.serve(answerOf);
  await failure("internal", pair.source.request({ ...begin, rootPid: -1 }));
  const long = {
    path: "/" + "x".repeat(4000),
    size: 1,
    kind: "file",
    mode: 0,
    appendOnly: false,
  } as const;
  await failure("internal", pair.source.request({ ...begin, files: Array(300).fill(long) }));
  assertEquals(await pair.source.request(commit), { type: "running", steps: [] });
});

Deno.test("ControlLink: a request that times out or is cancelled rejects; its late reply is dropped", async () => {
  await using pair = await linkPair("insecure");
  const late = Promise.withResolvers<void>();
  pair.destination.serve(async (request) => {
    if (request.type === "commit") await late.promise;
    return await answerOf(request);
  });
  await failure("peer-silent", pair.source.request(commit, { timeoutMs: 1 }));
  const timeout = AbortSignal.timeout(1);
  await failure("peer-silent", pair.source.request(commit, { signal: timeout }));
  const controller = new AbortController();
  const cancelled = pair.source.request(commit, { signal: controller.signal });
  controller.abort();
  await failure("cancelled", cancelled);
  await failure("cancelled", pair.source.request(commit, { signal: controller.signal }));
  const reason = new PhaulError("stalled", "Cannot wait any longer");
  await failure("stalled", pair.source.request(commit, { signal: AbortSignal.abort(reason) }));
  late.resolve();
  const abort = { type: "abort", migrationId, reason: "", forced: false } as const;
  assertEquals(await pair.source.request(abort), { type: "discarded" });
});

Deno.test("ControlLink: a peer that answers nothing at all is silent", async () => {
  using link = new ControlLink(memoryPair()[0], { peerTimeoutMs: 20 });
  await failure("peer-silent", link.request(commit));
  assertEquals((await link.lost).code, "peer-silent");
});

Deno.test("ControlLink: an idle link lives on by its heartbeat alone", async () => {
  await using pair = await linkPair("insecure", 60);
  pair.destination.serve(answerOf);
  const ends = Promise.race([pair.source.lost, pair.destination.lost]);
  const waited = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 500));
  assertEquals(await Promise.race([ends, waited]), undefined);
  assertEquals(await pair.source.request(commit), { type: "running", steps: [] });
});

Deno.test("ControlLink: a ping is answered with a pong", async () => {
  const { link, raw } = linkWithRawPeer();
  await send(raw, { type: "ping" });
  const buffer = new Uint8Array(100);
  const pong = frame(encodeEnvelope({ type: "pong" }), 100);
  assertEquals([await raw.read(buffer), buffer.slice(0, pong.length)], [pong.length, pong]);
  link.close();
});

Deno.test("ControlLink: whatever breaks the protocol ends the link with it", async () => {
  const running = { type: "running", steps: [] } as const;
  const bad: ((raw: MemoryStream) => Promise<void>)[] = [
    (raw) => raw.write(Uint8Array.of(0xff, 0, 0, 0)),
    (raw) => raw.write(Uint8Array.of(0, 0, 0, 1, 0xff)),
    (raw) => raw.write(Uint8Array.of(0, 0, 0, 0)),
    (raw) => send(raw, { type: "reply", seq: 5, reply: running }),
    (raw) =>
      send(raw, {
        type: "error",
        seq: 5,
        texts: { code: "", message: "", remedy: "", evidence: [], log: "" },
      }),
    async (raw) => {
      await send(raw, { type: "request", seq: 2, request: commit });
      await send(raw, { type: "request", seq: 2, request: commit });
    },
    async (raw) => {
      for (let seq = 1; seq <= 17; seq++) {
        await send(raw, { type: "request", seq, request: commit });
      }
    },
    async (raw) => {
      await raw.write(Uint8Array.of(0, 0, 0, 9, 1));
      await raw.closeWrite();
    },
  ];
  for (const step of bad) {
    const { link, raw } = linkWithRawPeer();
    const waiting = link.request(commit).catch((error) => error);
    await step(raw);
    const lost = await link.lost;
    assertEquals(lost.code, "protocol", lost.message);
    assertEquals(await waiting, lost);
  }
});

Deno.test("ControlLink: a reply of the wrong type is a protocol error", async () => {
  const { link, raw } = linkWithRawPeer();
  const asked = link.request(commit);
  await send(raw, { type: "reply", seq: 1, reply: { type: "ready", migrationId, steps: [] } });
  await failure("protocol", asked);
  assertEquals((await link.lost).code, "protocol");
});

Deno.test("ControlLink: closing twice and disposing are harmless, and lost resolves once", async () => {
  const { link } = linkWithRawPeer();
  link.close();
  const lost = await link.lost;
  link.close();
  link[Symbol.dispose]();
  assertEquals(await link.lost, lost);
});
