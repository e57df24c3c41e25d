import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { type ByteStream, openControl } from "../../../src/wire/mod.ts";
import { failure } from "./errors.ts";
import {
  closeAccepted,
  dataPair,
  dialLoopback,
  type Loopback,
  securityOf,
  serveLoopback,
} from "./loopback.ts";

const mebibyte = 1024 * 1024;
const bounds = { deadlineMs: 10_000, peerTimeoutMs: 60_000 };

async function digestOf(stream: ByteStream, bufferBytes: number): Promise<[number, string]> {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(bufferBytes);
  let total = 0;
  for (let count; (count = await stream.read(buffer)) !== null; total += count) {
    hash.update(buffer.subarray(0, count));
  }
  return [total, hash.digest("hex")];
}

/** Sends `pieces` buffers of changing lengths, each overwritten as soon as write resolved. */
async function sendPieces(stream: ByteStream, pieces: number): Promise<[number, string]> {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(300_000);
  let total = 0;
  for (let piece = 0; piece < pieces; piece++) {
    const bytes = buffer.subarray(0, (piece * 37_507) % buffer.length);
    bytes.fill(piece);
    hash.update(bytes);
    await stream.write(bytes);
    buffer.fill(0xee);
    total += bytes.length;
  }
  await stream.closeWrite();
  return [total, hash.digest("hex")];
}

for (const kind of ["tls", "insecure"] as const) {
  for (const direction of ["out", "back"] as const) {
    Deno.test(`ByteStream: every byte arrives in order though buffers are reused, ${direction} over ${kind}`, async () => {
      await using pair = await dataPair(kind);
      const [from, to] = direction === "out"
        ? [pair.source, pair.destination]
        : [pair.destination, pair.source];
      const [sent, received] = await Promise.all([sendPieces(from, 200), digestOf(to, 50_001)]);
      assert(sent[0] > 20 * mebibyte);
      assertEquals(received, sent);
    });

    Deno.test(`ByteStream: a writer waits for its reader, ${direction} over ${kind}`, async () => {
      await using pair = await dataPair(kind);
      const [from, to] = direction === "out"
        ? [pair.source, pair.destination]
        : [pair.destination, pair.source];
      const total = 96 * mebibyte;
      let written = 0;
      const writing = (async () => {
        const chunk = new Uint8Array(256 * 1024);
        for (; written < total; written += chunk.length) await from.write(chunk);
        await from.closeWrite();
      })();
      const buffer = new Uint8Array(mebibyte);
      let read = 0;
      let ahead = 0;
      for (let count; (count = await to.read(buffer)) !== null;) {
        read += count;
        // Time for the writer to run ahead, if nothing stopped it.
        if (read < 8 * mebibyte) await new Promise((resolve) => setTimeout(resolve, 0));
        ahead = Math.max(ahead, written - read);
      }
      await writing;
      assertEquals(read, total);
      // The kernel's socket buffers hold a few MiB at most.
      assert(ahead < 32 * mebibyte, `the writer was ${ahead} bytes ahead`);
    });
  }

  Deno.test(`ByteStream: closing ends what waits on this side, and the other side, over ${kind}`, async () => {
    await using pair = await dataPair(kind);
    const reading = failure("peer-lost", pair.source.read(new Uint8Array(1)));
    pair.source.close();
    pair.source.close();
    await reading;
    await failure("peer-lost", pair.source.read(new Uint8Array(1)));
    await failure("peer-lost", pair.source.write(new Uint8Array(1)));
    await failure("peer-lost", pair.destination.read(new Uint8Array(1)));
  });

  Deno.test(`ByteStream: a writer that waits learns that its reader left, over ${kind}`, async () => {
    await using pair = await dataPair(kind);
    const writing = (async () => {
      for (;;) await pair.source.write(new Uint8Array(mebibyte));
    })();
    await pair.destination.read(new Uint8Array(1));
    pair.destination.close();
    await failure("peer-lost", writing);
  });

  Deno.test(`acceptConnection: idle and half-open connections hold up nobody, over ${kind}`, async () => {
    const { client, server } = await securityOf(kind);
    await using loopback = await serveLoopback(server, { deadlineMs: 2000 });
    const { host: hostname, port } = loopback.address;
    const idle = await Promise.all(
      Array.from({ length: 20 }, () => Deno.connect({ hostname, port })),
    );
    const stream = await dialLoopback(loopback.address, client);
    const link = await openControl(stream, client, bounds);
    const outcomes = await nextOutcomes(loopback, 21);
    assertEquals(outcomes.filter((code) => code === "control").length, 1);
    assertEquals(outcomes.filter((code) => code === "peer-silent").length, 20);
    for (const connection of idle) connection.close();
    link.close();
  });
}

async function nextOutcomes(loopback: Loopback, count: number): Promise<string[]> {
  const outcomes: string[] = [];
  while (outcomes.length < count) {
    const outcome = await loopback.next();
    outcomes.push(outcome instanceof Error ? outcome.code : outcome.kind);
    closeAccepted(outcome);
  }
  return outcomes;
}
