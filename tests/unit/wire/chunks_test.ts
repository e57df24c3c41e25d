import { assertEquals } from "@std/assert";
import { ChunkedStream, maxChunkBytes } from "../../../src/wire/chunks.ts";
import { failure } from "./errors.ts";
import { memoryPair, playback } from "./memory_stream.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

async function readAll(stream: ChunkedStream, step: number): Promise<Uint8Array> {
  const all: number[] = [];
  const buffer = new Uint8Array(step);
  for (let count; (count = await stream.read(buffer)) !== null;) {
    all.push(...buffer.subarray(0, count));
  }
  return Uint8Array.from(all);
}

Deno.test("ChunkedStream: what was written is read, however it is cut", async () => {
  const [a, b] = memoryPair();
  const [writer, reader] = [new ChunkedStream(a), new ChunkedStream(b)];
  await writer.write(bytes(1, 2, 3));
  await writer.write(bytes());
  await writer.write(bytes(4));
  await writer.closeWrite();
  assertEquals(await readAll(reader, 2), bytes(1, 2, 3, 4));
  assertEquals(await reader.read(new Uint8Array(1)), null);
});

Deno.test("ChunkedStream: a long write becomes several chunks", async () => {
  const [a, b] = memoryPair();
  const [writer, reader] = [new ChunkedStream(a), new ChunkedStream(b)];
  const data = Uint8Array.from({ length: maxChunkBytes + 5 }, (_, i) => i % 251);
  await writer.write(data);
  await writer.closeWrite();
  assertEquals(a.written.length, data.length + 3 * 4);
  assertEquals(await readAll(reader, 65_536), data);
});

Deno.test("ChunkedStream: one direction ends while the other goes on", async () => {
  const [a, b] = memoryPair();
  const [left, right] = [new ChunkedStream(a), new ChunkedStream(b)];
  await left.closeWrite();
  await left.closeWrite();
  assertEquals(await right.read(new Uint8Array(1)), null);
  await right.write(bytes(5));
  await right.closeWrite();
  assertEquals(await readAll(left, 1), bytes(5));
  await failure("internal", left.write(bytes(1)));
});

Deno.test("ChunkedStream: an end that was not said is a lost peer, wherever it comes", async () => {
  const buffer = new Uint8Array(10);
  await failure("peer-lost", new ChunkedStream(playback(bytes())).read(buffer));
  const cut = new ChunkedStream(playback(bytes(0, 0, 0, 2, 9)));
  assertEquals(await cut.read(buffer), 1);
  await failure("peer-lost", cut.read(buffer));
  await failure("protocol", new ChunkedStream(playback(bytes(0, 0))).read(buffer));
});

Deno.test("ChunkedStream: a chunk above the cap is refused", async () => {
  const stream = new ChunkedStream(playback(bytes(0xff, 0, 0, 0, 1)));
  await failure("protocol", stream.read(new Uint8Array(10)));
});
