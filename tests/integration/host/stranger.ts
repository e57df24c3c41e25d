/**
 * A peer that is none, for the tests; it runs on one of the hosts.
 *
 *   stranger.ts serve VERSION|http|silent   listens on phaul's port
 *   stranger.ts throw ADDRESS TOKEN         throws what no phaul sends at a running serve
 *   stranger.ts ask ADDRESS TOKEN JSON...   proves itself, sends requests, prints each answer
 */

import { asPhaulError } from "../../../src/errors.ts";
import { dial, openControl, readToken, type Request } from "../../../src/wire/mod.ts";

const PORT = 7284;
const OPENING = { deadlineMs: 30_000, peerTimeoutMs: 30_000 };
const DIALLING = { timeoutMs: 30_000, keepaliveMs: 30_000 };
/** A preamble of version 1. */
const PREAMBLE = Uint8Array.of(...new TextEncoder().encode("phaul\0"), 1, 1);

const [what, first = "", tokenFile = "", ...requests] = Deno.args;
switch (what) {
  case "serve":
    await serve(first);
    break;
  case "throw":
    await throwThings(first, tokenFile);
    break;
  case "ask":
    for (const request of requests) console.log(JSON.stringify(await ask(JSON.parse(request))));
    break;
}

async function serve(kind: string): Promise<void> {
  const listener = Deno.listen({ port: PORT });
  console.log("listening");
  for await (const connection of listener) {
    if (kind === "http") {
      await connection.write(new TextEncoder().encode("HTTP/1.1 400 no\r\n\r\n"));
    }
    const version = Number(kind);
    if (version > 0) {
      await connection.write(Uint8Array.of(...PREAMBLE.slice(0, 6), version, version));
    }
  }
}

/** Each on a connection of its own; what comes back does not matter. */
async function throwThings(hostname: string, tokenFile: string): Promise<void> {
  const token = await readToken(tokenFile);
  const random = crypto.getRandomValues(new Uint8Array(60_000));
  const oversized = Uint8Array.of(...PREAMBLE, 0xff, 0xff, 0xff, 0xff, ...random.slice(0, 1000));
  const truncated = Uint8Array.of(...PREAMBLE, 0, 0, 0, 100, 1, 2, 3);
  const nonsense = Uint8Array.of(...PREAMBLE, 0, 0, 0, 50, ...random.slice(0, 50));
  const newer = Uint8Array.of(...PREAMBLE.slice(0, 6), 200, 210);
  const things = [random, new Uint8Array(), oversized, truncated, nonsense, newer];
  for (const bytes of things) {
    const connection = await Deno.connect({ hostname, port: PORT });
    await connection.write(bytes).catch(() => {});
    connection.close();
    const stream = await dial({ host: hostname, port: PORT }, { kind: "tls", token }, DIALLING);
    await stream.write(bytes).catch(() => {});
    await stream.closeWrite().catch(() => {});
    while (await stream.read(new Uint8Array(1000)).catch(() => null) !== null);
    stream.close();
  }
  // Proved, and then out of order.
  for (
    const bytes of [random, Uint8Array.of(0xff, 0xff, 0xff, 0xff), Uint8Array.of(0, 0, 0, 9, 1)]
  ) {
    const stream = await dial({ host: hostname, port: PORT }, { kind: "tls", token }, DIALLING);
    const link = await openControl(stream, { kind: "tls", token }, OPENING);
    await stream.write(bytes).catch(() => {});
    await stream.closeWrite().catch(() => {});
    await link.lost;
  }
  console.log("thrown");
}

async function ask(request: Request): Promise<unknown> {
  const token = await readToken(tokenFile);
  const stream = await dial({ host: first, port: PORT }, { kind: "tls", token }, DIALLING);
  using link = await openControl(stream, { kind: "tls", token }, OPENING);
  try {
    return await link.request(request, { timeoutMs: 30_000 });
  } catch (error) {
    const { code, message } = asPhaulError(error);
    return { code, message };
  }
}
