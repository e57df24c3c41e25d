import { assertEquals } from "@std/assert";
import { acceptPacking, offerPacking, packedForPeer } from "../../../src/haul/packing.ts";
import type { Compression } from "../../../src/haul/options.ts";
import { PackedStream, type PackingTerms } from "../../../src/wire/mod.ts";
import { memoryPair } from "../wire/memory_stream.ts";

const HOWS: readonly Compression[] = ["off", "zstd", "auto"];
const DATA = Uint8Array.from({ length: 100_000 }, (_, i) => 97 + (i * i) % 7);

/** Sends DATA under what was agreed on; returns how many bytes of it travelled. */
async function send(how: Compression, accept = acceptPacking): Promise<number> {
  const offer = {
    type: "start-iteration",
    iteration: 1,
    final: false,
    ...offerPacking(how),
  } as const;
  const { terms, unpacked } = await accept(offer);
  const [near, far] = memoryPair();
  const source = await packedForPeer(near, how, terms);
  await source.write(DATA);
  await source.closeWrite();
  const destination = unpacked(far);
  const buffer = new Uint8Array(DATA.length);
  const got: number[] = [];
  for (let count; (count = await destination.read(buffer)) !== null;) {
    got.push(...buffer.subarray(0, count));
  }
  assertEquals(Uint8Array.from(got), DATA);
  return near.written.length;
}

Deno.test("packing: both sides agree on all that is offered", async () => {
  const sent = await Promise.all(HOWS.map((how) => send(how)));
  assertEquals(sent.map((bytes) => bytes < DATA.length / 2), [false, true, true]);
});

Deno.test("packing: a destination that knows nothing of it gets pages as they are", async () => {
  const old = () => Promise.resolve({ terms: {}, unpacked: <T>(stream: T) => stream });
  for (const how of HOWS) assertEquals(await send(how, old), DATA.length);
});

Deno.test("packing: a source that knows nothing of it is read as it is", async () => {
  const { terms, unpacked } = await acceptPacking({
    ...{ type: "start-iteration", iteration: 1, final: false },
  });
  const [near] = memoryPair();
  assertEquals([terms, unpacked(near) === near], [{}, true]);
});

Deno.test("packing: a destination that takes what was not offered changes nothing", async () => {
  const [near] = memoryPair();
  const greedy: PackingTerms = { packed: true, zstd: true };
  const source = await packedForPeer(near, "off", greedy);
  assertEquals(source instanceof PackedStream, true);
  await source.write(DATA);
  assertEquals(near.written.length > DATA.length, true);
});
