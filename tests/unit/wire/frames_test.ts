import { assertEquals } from "@std/assert";
import { readFrame, writeFrame } from "../../../src/wire/frames.ts";
import { failure } from "./errors.ts";
import { memoryPair, playback } from "./memory_stream.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

Deno.test("readFrame: gives back what writeFrame sent, frame by frame, then null", async () => {
  const [a, b] = memoryPair();
  await writeFrame(a, bytes(1, 2, 3), 10);
  await writeFrame(a, bytes(), 10);
  await a.closeWrite();
  assertEquals(await readFrame(b, 10), bytes(1, 2, 3));
  assertEquals(await readFrame(b, 10), bytes());
  assertEquals(await readFrame(b, 10), null);
});

Deno.test("readFrame: a frame may come one byte at a time", async () => {
  assertEquals(await readFrame(playback(bytes(0, 0, 0, 2, 8, 9), 1), 2), bytes(8, 9));
});

Deno.test("readFrame: a length above the cap fails before anything is allocated", async () => {
  await failure("protocol", readFrame(playback(bytes(0xff, 0xff, 0xff, 0xff)), 1024));
  await failure("protocol", readFrame(playback(bytes(0, 0, 4, 1)), 1024));
});

Deno.test("readFrame: an end inside a frame fails", async () => {
  await failure("protocol", readFrame(playback(bytes(0, 0)), 10));
  await failure("protocol", readFrame(playback(bytes(0, 0, 0, 4)), 10));
  await failure("protocol", readFrame(playback(bytes(0, 0, 0, 4, 1, 2)), 10));
});

Deno.test("writeFrame: a payload above the cap is not sent", async () => {
  const [a] = memoryPair();
  await failure("internal", writeFrame(a, new Uint8Array(11), 10));
  assertEquals(a.written, []);
});
