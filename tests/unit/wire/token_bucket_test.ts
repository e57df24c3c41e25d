import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { TokenBucket } from "../../../src/wire/token_bucket.ts";

Deno.test("TokenBucket: lets a burst through, then keeps to the rate", () => {
  const bucket = new TokenBucket(1_000_000, 0);
  assertEquals(bucket.sliceBytes, 20_000);
  assertEquals(bucket.take(20_000, 0), 0);
  assertAlmostEquals(bucket.take(10_000, 0), 10);
  assertAlmostEquals(bucket.take(10_000, 10), 10);
});

Deno.test("TokenBucket: saves nothing up over a long pause", () => {
  const bucket = new TokenBucket(1_000_000, 0);
  assertAlmostEquals(bucket.take(50_000, 1_000_000), 30);
});

Deno.test("TokenBucket: over a long time the rate is met, whatever the sizes", () => {
  const bucket = new TokenBucket(12_500_000, 0);
  let nowMs = 0;
  let bytes = 0;
  for (let i = 0; i < 10_000; i++) {
    const size = 1 + (i * 7919) % 262_144;
    nowMs += bucket.take(size, nowMs);
    bytes += size;
  }
  const rate = bytes / (nowMs / 1000);
  assert(rate <= 12_500_000 * 1.001 && rate > 12_500_000 * 0.999, `${rate}`);
});

Deno.test("TokenBucket: the slowest rate has slices as well", () => {
  assertEquals(new TokenBucket(1, 0).sliceBytes, 1);
});
