import { randomBytes } from "node:crypto";
import { assert, assertEquals } from "@std/assert";
import { maxBlockBytes } from "../../../src/wire/packed_block.ts";
import { PackedStream } from "../../../src/wire/packed_stream.ts";
import type { ByteStream } from "../../../src/wire/stream.ts";
import { loadZstd } from "../../../src/wire/zstd.ts";
import { failure } from "./errors.ts";
import { memoryPair, playback } from "./memory_stream.ts";

const PAGE = 4096;
const bytes = (...values: number[]) => Uint8Array.from(values);

async function readAll(stream: ByteStream, step: number): Promise<Uint8Array> {
  const parts: number[] = [];
  const buffer = new Uint8Array(step);
  for (let count; (count = await stream.read(buffer)) !== null;) {
    for (const byte of buffer.subarray(0, count)) parts.push(byte);
  }
  return Uint8Array.from(parts);
}

/** Noise that no compressor makes smaller. */
function noise(length: number): Uint8Array {
  return Uint8Array.from(randomBytes(length));
}

/** A page stream as CRIU's: a header of 32 bytes, then pages, each of one kind. */
function pageStream(...kinds: ("zero" | "noise" | "text")[]): Uint8Array {
  const stream = new Uint8Array(32 + kinds.length * PAGE);
  stream.set(noise(32));
  kinds.forEach((kind, page) => {
    const at = 32 + page * PAGE;
    if (kind === "noise") stream.set(noise(PAGE), at);
    if (kind === "text") { for (let i = 0; i < PAGE; i++) stream[at + i] = 97 + (i * i) % 7; }
  });
  return stream;
}

/** What arrives of `data`, cut into writes of `step`, and how much of it travelled. */
async function transfer(
  data: Uint8Array,
  options: { step?: number; compress?: "always" | "auto" } = {},
): Promise<{ got: Uint8Array; sent: number }> {
  const { step = 256 * 1024, compress } = options;
  const codec = compress && await loadZstd();
  const [near, far] = memoryPair();
  const [writer, reader] = [
    new PackedStream(near, { codec, compress }),
    new PackedStream(far, { codec }),
  ];
  for (let at = 0; at < data.length; at += step) await writer.write(data.subarray(at, at + step));
  await writer.closeWrite();
  assertEquals(writer.sentBytes, near.written.length);
  return { got: await readAll(reader, 50_000), sent: writer.sentBytes };
}

Deno.test("PackedStream: what was written is read, whatever it is and however it is cut", async () => {
  const data = pageStream("noise", "zero", "zero", "text", "noise", "zero", "text");
  for (const compress of [undefined, "always", "auto"] as const) {
    for (const step of [1, 7, 511, 513, 4096, 5000, 300_000]) {
      if (step === 1 && compress) continue;
      const { got } = await transfer(data, { step, compress });
      assertEquals(got, data, `${compress} in steps of ${step}`);
    }
  }
});

Deno.test("PackedStream: lengths around those of cells, words and blocks", async () => {
  for (const around of [1, 4, 512, 1024, maxBlockBytes, 4 * maxBlockBytes]) {
    for (const length of [around - 1, around, around + 1].filter((l) => l > 0)) {
      for (const fill of [0, 255]) {
        const data = new Uint8Array(length).fill(fill);
        const { got } = await transfer(data);
        assertEquals(got, data, `${length} bytes of ${fill}`);
      }
    }
  }
});

Deno.test("PackedStream: the last byte of a part of a word counts", async () => {
  const long = new Uint8Array(1024).fill(255);
  const [near, far] = memoryPair();
  const [writer, reader] = [new PackedStream(near), new PackedStream(far)];
  await writer.write(long);
  // What was in the buffers before must neither be seen nor hide anything.
  await writer.write(bytes(0, 0, 0, 0, 0));
  await writer.write(bytes(0, 0, 0, 0, 0, 1));
  await writer.closeWrite();
  assertEquals(await readAll(reader, 100), bytes(...long, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));
});

Deno.test("PackedStream: zero pages are not sent", async () => {
  const zeros = Array<"zero">(1000).fill("zero");
  const { sent } = await transfer(pageStream(...zeros));
  assert(sent < 4096, `${sent} bytes for a thousand zero pages`);
  const mixed = await transfer(pageStream("noise", ...zeros, "noise"));
  assert(mixed.sent < 4 * PAGE, `${mixed.sent} bytes`);
});

Deno.test("PackedStream: what cannot be made smaller grows by a few bytes for each block", async () => {
  const data = noise(1024 * 1024);
  for (const compress of [undefined, "always"] as const) {
    const { sent } = await transfer(data, { compress });
    assertEquals(sent, data.length + 16 * 8);
  }
});

Deno.test("PackedStream: compresses when told to", async () => {
  const data = pageStream(...Array<"text">(64).fill("text"));
  const plain = await transfer(data);
  const { sent } = await transfer(data, { compress: "always" });
  assert(sent < plain.sent / 10, `${sent} of ${plain.sent}`);
});

Deno.test("PackedStream: a short message does not wait for more", async () => {
  const [near, far] = memoryPair();
  await new PackedStream(near).write(bytes(1));
  assertEquals(await new PackedStream(far).read(new Uint8Array(10)), 1);
});

Deno.test("PackedStream: both directions are packed, each for itself", async () => {
  const [near, far] = memoryPair();
  const [left, right] = [new PackedStream(near), new PackedStream(far)];
  await left.write(bytes(1, 2));
  await right.write(bytes(3));
  const buffer = new Uint8Array(4);
  assertEquals([await left.read(buffer), buffer[0]], [1, 3]);
  assertEquals([await right.read(buffer), buffer[1]], [2, 2]);
});

/** Flags, unpacked length, payload length, and what follows. */
function block(flags: number, raw: number, payload: number, ...rest: number[]): Uint8Array {
  const made = new Uint8Array(8 + rest.length);
  const view = new DataView(made.buffer);
  view.setUint32(0, flags * 2 ** 24 + raw);
  view.setUint32(4, payload);
  made.set(rest, 8);
  return made;
}

async function refusal(input: Uint8Array, zstd = false): Promise<string> {
  const codec = zstd ? await loadZstd() : undefined;
  const stream = new PackedStream(playback(input), { codec });
  return (await failure("protocol", stream.read(new Uint8Array(maxBlockBytes)))).message;
}

Deno.test("PackedStream: anything malformed is refused, before memory is taken for it", async () => {
  const cases: [Uint8Array, RegExp][] = [
    [block(4, 1, 1, 9), /unknown flags 4/],
    [block(0, 0, 0), /0 bytes in a block/],
    [block(0, maxBlockBytes + 1, 1), /65537 bytes in a block/],
    [block(0, 2, 3, 1, 2, 3), /longer than its block/],
    [block(0, 3, 2, 1, 2), /2 bytes for 3/],
    [block(1, 512, 0, 0b10), /bitmap longer/],
    [block(1, 512, 1, 0, 7), /1 bytes for 0/],
    [block(0, 9, 9, 1), /ended after/],
    [block(0, 9, 9), /without its content/],
    [bytes(0, 0), /ended after/],
    [block(2, 9, 1, 1), /none was agreed/],
  ];
  for (const [input, why] of cases) {
    const message = await refusal(input);
    assert(why.test(message), `${message} for ${why}`);
  }
});

Deno.test("PackedStream: a frame that is no frame, or has another size, is refused", async () => {
  const codec = await loadZstd();
  const frame = [...codec.compress(new Uint8Array(5000))];
  const good = new PackedStream(playback(block(2, 5000, frame.length, ...frame)), { codec });
  assertEquals(await good.read(new Uint8Array(maxBlockBytes)), 5000);
  for (const length of [4999, 5001, 65_536]) {
    assert(/another size/.test(await refusal(block(2, length, frame.length, ...frame), true)));
  }
  // 64 MiB in two KiB: its size is believed before anything else is done.
  const bomb = [...codec.compress(new Uint8Array(2 ** 26))];
  assert(/another size/.test(await refusal(block(2, 65_536, bomb.length, ...bomb), true)));
  const cut = frame.slice(0, -3);
  assert(/damaged/.test(await refusal(block(2, 5000, cut.length, ...cut), true)));
  const twice = [...frame, ...frame];
  assert(/damaged/.test(await refusal(block(2, 5000, twice.length, ...twice), true)));
});
