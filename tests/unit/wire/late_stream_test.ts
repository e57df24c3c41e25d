import { assertEquals, assertRejects } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { type LateMessage, LateStream, maxLatePages } from "../../../src/wire/mod.ts";
import { memoryPair, playback } from "./memory_stream.ts";

const PAGE_BYTES = 4096;
const MESSAGES: readonly LateMessage[] = [
  { kind: "missing", first: 0, count: 2 ** 32 - 1 },
  { kind: "named" },
  { kind: "wanted", first: 2 ** 40, count: 16 },
  { kind: "pages", first: 7, bytes: new Uint8Array(maxLatePages * PAGE_BYTES).fill(9) },
  { kind: "taken", count: 32 },
  { kind: "waited", count: 3, medianUs: 20_000, p99Us: 150_000 },
  { kind: "complete" },
];

/** A header; what is not given is 0. */
function header(kind: number, count = 0, first = 0n): Uint8Array {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, kind);
  view.setUint32(4, count);
  view.setBigUint64(8, first);
  return bytes;
}

async function refusal(bytes: Uint8Array): Promise<PhaulError> {
  return await assertRejects(
    () => new LateStream(playback(bytes, 5), PAGE_BYTES).next(),
    PhaulError,
  );
}

Deno.test("LateStream: what is sent is taken, in order, then comes the end", async () => {
  const [here, there] = memoryPair();
  const [sender, receiver] = [new LateStream(here, PAGE_BYTES), new LateStream(there, PAGE_BYTES)];
  const sending = Promise.all(MESSAGES.map((message) => sender.send(message)));
  for (const message of MESSAGES) assertEquals(await receiver.next(), message);
  await sending;
  there.end();
  assertEquals(await receiver.next(), undefined);
});

Deno.test("LateStream: an unknown kind, a number beyond all and a wrong count of pages are refused", async () => {
  for (
    const bytes of [
      header(0),
      header(7),
      header(17),
      header(1, 1, 2n ** 60n),
      header(16, 0),
      header(16, maxLatePages + 1),
      header(16, 2 ** 32 - 1),
    ]
  ) assertEquals((await refusal(bytes)).code, "protocol");
});

Deno.test("LateStream: a peer that goes away in the middle is lost, and nothing is waited for", async () => {
  const whole = new Uint8Array([...header(16, 1), ...new Uint8Array(PAGE_BYTES)]);
  for (const length of [1, 23, 24, 25, whole.length - 1]) {
    const { code } = await refusal(whole.subarray(0, length));
    assertEquals(code === "protocol" || code === "peer-lost", true, `${length}: ${code}`);
  }
});
