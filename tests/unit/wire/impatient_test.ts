import { assertEquals } from "@std/assert";
import { ImpatientStream } from "../../../src/wire/mod.ts";
import { failure } from "./errors.ts";
import { memoryPair, playback } from "./memory_stream.ts";

const SOON_MS = 5;
const byte = Uint8Array.of(1);

async function text(stream: ImpatientStream): Promise<number[]> {
  const buffer = new Uint8Array(3);
  const all: number[] = [];
  for (let count; (count = await stream.read(buffer)) !== null;) {
    all.push(...buffer.subarray(0, count));
  }
  return all;
}

Deno.test("ImpatientStream: what comes without a pause comes through", async () => {
  const bytes = Uint8Array.from({ length: 20 }, (_, index) => index);
  assertEquals(await text(new ImpatientStream(playback(bytes, 7), 60_000)), [...bytes]);
});

Deno.test("ImpatientStream: a pause after the first byte closes it as stalled", async () => {
  const [near, far] = memoryPair();
  await far.write(byte);
  const stream = new ImpatientStream(near, SOON_MS);
  await failure("stalled", text(stream));
  assertEquals(near.closed, true);
});

Deno.test("ImpatientStream: the first byte may take its time, until somebody waits for it", async () => {
  const [near, far] = memoryPair();
  const stream = new ImpatientStream(near, SOON_MS);
  const reading = stream.read(new Uint8Array(1));
  await new Promise((resolve) => setTimeout(resolve, 10 * SOON_MS));
  await far.write(byte);
  assertEquals(await reading, 1);

  const [other, _silent] = memoryPair();
  const late = new ImpatientStream(other, SOON_MS);
  const waiting = failure("stalled", late.read(new Uint8Array(1)));
  late.hurry();
  await waiting;
});

Deno.test("ImpatientStream: closed on this side it is not stalled", async () => {
  const [near, far] = memoryPair();
  await far.write(byte);
  const stream = new ImpatientStream(near, 60_000);
  const reading = failure("peer-lost", text(stream));
  await new Promise((resolve) => setTimeout(resolve, 0));
  stream.close();
  await reading;
});
