import { assertEquals, assertNotEquals } from "@std/assert";
import {
  acceptConnection,
  type ByteStream,
  type DataKind,
  openControl,
  openData,
  type Security,
} from "../../../src/wire/mod.ts";
import { frame } from "../../../src/wire/frames.ts";
import { decodeOpening, encodeOpening } from "../../../src/wire/opening_messages.ts";
import type { OpeningMessage } from "../../../src/wire/opening_messages.ts";
import { makePreamble } from "../../../src/wire/preamble.ts";
import { failure } from "./errors.ts";
import { closeAccepted, dialLoopback, newIdentity, securityOf, serveLoopback } from "./loopback.ts";
import { memoryPair, type MemoryStream } from "./memory_stream.ts";
import { ticket } from "./samples.ts";

const bounds = { deadlineMs: 10_000, peerTimeoutMs: 60_000 };
const nonce = new Uint8Array(32).fill(3);

/** Redeems `ticket` once, for `kind`. */
function oneTicket(kind: DataKind) {
  let left = true;
  return (given: Uint8Array, of: DataKind) => {
    if (!left || of !== kind || String(given) !== String(ticket)) return false;
    left = false;
    return true;
  };
}

async function text(stream: ByteStream): Promise<string> {
  const buffer = new Uint8Array(100);
  let all = "";
  for (let count; (count = await stream.read(buffer)) !== null;) {
    all += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return all;
}

for (const kind of ["tls", "insecure"] as const) {
  Deno.test(`openData: a ticket opens one stream that carries both ways, over ${kind}`, async () => {
    const { client, server } = await securityOf(kind);
    await using loopback = await serveLoopback(server, { redeemTicket: oneTicket("pages") });
    const stream = await dialLoopback(loopback.address, client);
    const source = await openData(stream, "pages", ticket, bounds);
    const accepted = await loopback.next();
    if (accepted instanceof Error || accepted.kind !== "pages") throw new Error("no pages stream");
    assertEquals(accepted.ticket, ticket);
    await source.write(new TextEncoder().encode("there"));
    await source.closeWrite();
    assertEquals(await text(accepted.stream), "there");
    await accepted.stream.write(new TextEncoder().encode("and back"));
    await accepted.stream.closeWrite();
    assertEquals(await text(source), "and back");
    source.close();
    accepted.stream.close();
  });

  Deno.test(`openData: an unknown, used or other kind's ticket is refused, over ${kind}`, async () => {
    const { client, server } = await securityOf(kind);
    await using loopback = await serveLoopback(server, { redeemTicket: oneTicket("images") });
    const open = async (kind: DataKind, ticket: Uint8Array) =>
      await openData(await dialLoopback(loopback.address, client), kind, ticket, bounds);
    await failure("protocol", open("images", ticket.toReversed()));
    await failure("protocol", open("pages", ticket));
    (await open("images", ticket)).close();
    const error = await failure("protocol", open("images", ticket));
    assertEquals(error.message.includes("ticket"), true);
  });

  Deno.test(`openControl: versions without overlap are named on both sides, over ${kind}`, async () => {
    const { client, server } = await securityOf(kind);
    for (const lowest of [1, 7]) {
      const versions = { lowest: 4, highest: 5 };
      await using loopback = await serveLoopback(server, { versions });
      const stream = await dialLoopback(loopback.address, client);
      const options = { ...bounds, versions: { lowest, highest: lowest + 1 } };
      const error = await failure("version-mismatch", openControl(stream, client, options));
      assertEquals(error.message.includes("version 4 to 5"), true);
      assertEquals(error.message.includes(`version ${lowest} to ${lowest + 1}`), true);
      const refused = await loopback.next();
      if (!(refused instanceof Error)) throw new Error("it was let in");
      assertEquals(refused.code, "version-mismatch");
      assertEquals(refused.message.includes(`version ${lowest} to ${lowest + 1}`), true);
    }
  });

  Deno.test(`openControl: two links at once are independent, over ${kind}`, async () => {
    const { client, server } = await securityOf(kind);
    await using loopback = await serveLoopback(server);
    const open = async () =>
      await openControl(await dialLoopback(loopback.address, client), client, bounds);
    const links = await Promise.all([open(), open()]);
    for (const outcome of [await loopback.next(), await loopback.next()]) {
      if (outcome instanceof Error || outcome.kind !== "control") throw new Error("no link");
      outcome.link.serve(() => Promise.resolve({ type: "running", steps: [] }));
      void outcome.link.lost.then(() => closeAccepted(outcome));
    }
    links[0].close();
    const request = { type: "commit", migrationId: "a".repeat(32), forced: false } as const;
    assertEquals(await links[1].request(request), { type: "running", steps: [] });
    links[1].close();
  });
}

Deno.test("openControl: a source with another secret gives no proof away and is told what to do", async () => {
  const { client, server } = await securityOf("tls");
  if (client.kind !== "tls") throw new Error("no token");
  await using loopback = await serveLoopback(server);
  const token = { ...client.token, secret: new Uint8Array(32) };
  const stream = await dialLoopback(loopback.address, client);
  const error = await failure("wrong-token", openControl(stream, { kind: "tls", token }, bounds));
  assertEquals(error.remedy?.includes("join-token"), true);
  const refused = await loopback.next();
  assertEquals(refused instanceof Error && refused.code, "wrong-token");
});

/** A destination by hand: what it reads from a source, and how it answers. */
async function byHand(
  security: Security,
  answers: (hello: OpeningMessage) => OpeningMessage[],
): Promise<{ outcome: Promise<unknown>; raw: MemoryStream }> {
  const [source, raw] = memoryPair();
  const outcome = openControl(source, security, bounds).then((link) => link, (error) => error);
  const buffer = new Uint8Array(1000);
  const count = await raw.read(buffer) ?? 0;
  const hello = decodeOpening(buffer.subarray(8 + 4, count));
  await raw.write(makePreamble({ lowest: 1, highest: 1 }));
  for (const answer of answers(hello)) await raw.write(frame(encodeOpening(answer), 1000));
  return { outcome, raw };
}

Deno.test("openControl: a destination that proves nothing, wrongly, or by the source's nonce is not trusted", async () => {
  const { client } = await securityOf("tls");
  const bad = [undefined, new Uint8Array(32), nonce];
  for (const proof of bad) {
    const { outcome, raw } = await byHand(client, () => [{ type: "welcome", nonce, proof }]);
    await failure("wrong-token", outcome.then((error) => Promise.reject(error)));
    const sent = decodeOpening(Uint8Array.from(await rest(raw)).subarray(4));
    assertEquals(sent.type, "refused");
  }
});

/** What the source sent after its hello. */
async function rest(raw: MemoryStream): Promise<number[]> {
  const buffer = new Uint8Array(2000);
  const all: number[] = [];
  for (let count; (count = await raw.read(buffer)) !== null;) {
    all.push(...buffer.subarray(0, count));
  }
  return all;
}

Deno.test("openControl: acceptance without a welcome first is refused", async () => {
  const { client } = await securityOf("tls");
  const { outcome } = await byHand(client, () => [{ type: "accepted" }]);
  await failure("protocol", outcome.then((error) => Promise.reject(error)));
});

/** A source by hand against a real acceptConnection; gives its error. */
async function sourceByHand(
  kind: Security["kind"],
  script: (raw: MemoryStream) => Promise<void>,
  deadlineMs = 10_000,
): Promise<{ outcome: Promise<unknown>; raw: MemoryStream }> {
  const { server } = await securityOf(kind);
  const [destination, raw] = memoryPair();
  const options = { ...bounds, deadlineMs, redeemTicket: () => false };
  const outcome = acceptConnection(destination, server, options);
  outcome.catch(() => {});
  await script(raw);
  return { outcome, raw };
}

const preamble = makePreamble({ lowest: 1, highest: 1 });
const hello = frame(encodeOpening({ type: "hello", kind: "control", nonce }), 1000);

Deno.test("acceptConnection: a source that proves nothing or wrongly is not let in", async () => {
  for (const proof of [undefined, new Uint8Array(32)]) {
    const { outcome, raw } = await sourceByHand("tls", async (raw) => {
      await raw.write(preamble);
      await raw.write(hello);
      await raw.write(frame(encodeOpening({ type: "proof", proof }), 1000));
      await raw.closeWrite();
    });
    await failure("wrong-token", outcome);
    assertEquals(raw.written.length > 0, true);
  }
});

Deno.test("acceptConnection: the destination's proof does not serve as the source's", async () => {
  const { server } = await securityOf("tls");
  const [destination, raw] = memoryPair();
  const options = { ...bounds, redeemTicket: () => false };
  const outcome = acceptConnection(destination, server, options);
  await raw.write(preamble);
  await raw.write(hello);
  const answer = new Uint8Array(1000);
  let count = 0;
  while (count <= preamble.length) count += await raw.read(answer.subarray(count)) ?? 0;
  const welcome = decodeOpening(answer.subarray(preamble.length + 4, count));
  if (welcome.type !== "welcome" || !welcome.proof) throw new Error("no welcome");
  assertNotEquals(welcome.nonce, nonce);
  await raw.write(frame(encodeOpening({ type: "proof", proof: welcome.proof }), 1000));
  await raw.closeWrite();
  await failure("wrong-token", outcome);
});

Deno.test("acceptConnection: garbage, other messages and oversized frames are refused", async () => {
  const scripts: Uint8Array[][] = [
    [new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")],
    [preamble, Uint8Array.of(0xff, 0xff, 0xff, 0xff)],
    [preamble, Uint8Array.of(0, 0, 0x40, 1)],
    [preamble, Uint8Array.of(0, 0, 0, 2, 0xff, 0xff)],
    [preamble, frame(encodeOpening({ type: "accepted" }), 1000)],
    [
      preamble,
      frame(encodeOpening({ type: "hello", kind: "control", nonce: ticket.subarray(1) }), 99),
    ],
    [preamble, hello, hello],
  ];
  for (const script of scripts) {
    const { outcome } = await sourceByHand("insecure", async (raw) => {
      for (const bytes of script) await raw.write(bytes);
      await raw.closeWrite();
    });
    await failure("protocol", outcome);
  }
});

Deno.test("acceptConnection: a source that goes silent at any point meets the deadline", async () => {
  const whole = [...preamble, ...hello];
  for (const length of [0, 1, 7, 8, 10, 12, whole.length - 1, whole.length]) {
    const { outcome, raw } = await sourceByHand("tls", async (raw) => {
      await raw.write(Uint8Array.from(whole.slice(0, length)));
    }, 20);
    await failure("peer-silent", outcome);
    // The stream was closed: the other end sees its end behind what was sent.
    await rest(raw);
  }
});

Deno.test("acceptConnection: a source that leaves at any point is lost or a protocol error", async () => {
  const whole = [...preamble, ...hello];
  for (let length = 0; length <= whole.length; length++) {
    const { outcome } = await sourceByHand("insecure", async (raw) => {
      await raw.write(Uint8Array.from(whole.slice(0, length)));
      await raw.closeWrite();
    });
    const error: unknown = await outcome.catch((error) => error);
    const code = error instanceof Error && "code" in error ? error.code : "none";
    assertEquals(code === "peer-lost" || code === "protocol", true, `${length}: ${code}`);
  }
});

Deno.test("openControl: an aborted signal ends it with the signal's reason", async () => {
  const [source, raw] = memoryPair();
  const signal = AbortSignal.abort();
  const options = { ...bounds, signal };
  await failure("cancelled", openControl(source, { kind: "insecure" }, options));
  assertEquals(source.closed, true);
  raw.close();
});

Deno.test("openControl: the token of another identity does not open this one's TLS", async () => {
  const { server } = await securityOf("tls");
  await using loopback = await serveLoopback(server);
  const { token } = await newIdentity();
  await failure("impostor", dialLoopback(loopback.address, { kind: "tls", token }));
  const refused = await loopback.next();
  assertEquals(refused instanceof Error && refused.code, "wrong-token");
});
