import { assertEquals } from "@std/assert";
import { ReadAhead } from "../../../src/wire/read_ahead.ts";

/** A source of numbered bytes that gives as much at once as it is asked for, up to `most`. */
function counting(total: number, most: number) {
  let given = 0;
  let reads = 0;
  return {
    peer: "b:1",
    get reads() {
      return reads;
    },
    read(into: Uint8Array): Promise<number | null> {
      reads++;
      if (given === total) return Promise.resolve(null);
      const count = Math.min(into.length, most, total - given);
      for (let at = 0; at < count; at++) into[at] = (given + at) % 251;
      given += count;
      return Promise.resolve(count);
    },
  };
}

async function readAll(stream: ReadAhead, step: number): Promise<number[]> {
  const all: number[] = [];
  const into = new Uint8Array(step);
  for (let count; (count = await stream.read(into)) !== null;) all.push(...into.subarray(0, count));
  return all;
}

Deno.test("ReadAhead: what comes out is what went in, by reads of any size", async () => {
  const expected = Array.from({ length: 150_000 }, (_, at) => at % 251);
  for (const step of [1, 7, 4096, 65_535, 65_536, 100_000]) {
    for (const most of [1000, 16_384, 200_000]) {
      assertEquals(await readAll(new ReadAhead(counting(150_000, most)), step), expected);
    }
  }
});

Deno.test("ReadAhead: small reads take one large one", async () => {
  const source = counting(60_000, 100_000);
  await readAll(new ReadAhead(source), 4);
  assertEquals(source.reads, 2);
});
