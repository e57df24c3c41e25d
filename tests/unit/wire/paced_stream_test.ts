import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { type PaceClock, PacedStream } from "../../../src/wire/paced_stream.ts";
import { failure } from "./errors.ts";
import { memoryPair } from "./memory_stream.ts";

/** Time passes only where somebody waits for it. */
class FakeClock implements PaceClock {
  now = 0;

  nowMs(): number {
    return this.now;
  }

  wait(ms: number): Promise<void> {
    this.now += ms;
    return Promise.resolve();
  }
}

Deno.test("PacedStream: writes take the time that the rate says, and all arrives", async () => {
  const [near, far] = memoryPair();
  const clock = new FakeClock();
  const stream = new PacedStream(near, 1_000_000, clock);
  const data = Uint8Array.from({ length: 120_000 }, (_, i) => i % 251);
  await stream.write(data);
  await stream.closeWrite();
  // 20 ms of burst came for nothing.
  assertAlmostEquals(clock.now, 100, 0.001);
  assertAlmostEquals(stream.waitedMs, 100, 0.001);
  const got: number[] = [];
  const buffer = new Uint8Array(65_536);
  for (let count; (count = await far.read(buffer)) !== null;) {
    got.push(...buffer.subarray(0, count));
  }
  assertEquals(Uint8Array.from(got), data);
});

Deno.test("PacedStream: reads are not slowed down", async () => {
  const [near, far] = memoryPair();
  const clock = new FakeClock();
  const stream = new PacedStream(near, 1000, clock);
  await far.write(new Uint8Array(50_000));
  assertEquals(await stream.read(new Uint8Array(50_000)), 50_000);
  assertEquals([clock.now, stream.waitedMs], [0, 0]);
});

Deno.test("PacedStream: closing ends a wait at once", async () => {
  const [near] = memoryPair();
  const stream = new PacedStream(near, 1);
  const begun = performance.now();
  const writing = stream.write(new Uint8Array(100_000));
  setTimeout(() => stream.close(), 10);
  await failure("peer-lost", writing);
  assert(performance.now() - begun < 5000);
});
