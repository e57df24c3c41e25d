import { assert, assertEquals } from "@std/assert";
import { CompressionGauge } from "../../../src/wire/compression_gauge.ts";

const BLOCK = 65_536;

/** The share of blocks that are compressed on such a link, after some time. */
function share(world: { linkMsPerMiB: number; workMsPerMiB: number; ratio: number }): number {
  const gauge = new CompressionGauge();
  const ms = (perMiB: number, bytes: number) => perMiB * bytes / 2 ** 20;
  let compressed = 0;
  for (let block = 0; block < 2000; block++) {
    const yes = gauge.next();
    const bytes = yes ? BLOCK * world.ratio : BLOCK;
    if (yes) gauge.compressed(BLOCK, bytes, ms(world.workMsPerMiB, BLOCK));
    if (yes && block >= 1000) compressed++;
    gauge.sent(bytes, ms(world.linkMsPerMiB, bytes));
  }
  return compressed / 1000;
}

Deno.test("CompressionGauge: compresses on a slow link, whatever comes", () => {
  assertEquals(share({ linkMsPerMiB: 80, workMsPerMiB: 5, ratio: 0.4 }), 1);
});

Deno.test("CompressionGauge: on a fast link it only looks now and then", () => {
  const looked = share({ linkMsPerMiB: 1, workMsPerMiB: 5, ratio: 0.4 });
  assert(looked > 0 && looked < 0.03, `${looked}`);
});

Deno.test("CompressionGauge: what cannot be made smaller is left alone on any link", () => {
  assert(share({ linkMsPerMiB: 80, workMsPerMiB: 5, ratio: 1 }) < 0.03);
});

Deno.test("CompressionGauge: a small gain is not worth the other host's work", () => {
  assert(share({ linkMsPerMiB: 10, workMsPerMiB: 5, ratio: 0.45 }) < 0.03);
  assertEquals(share({ linkMsPerMiB: 10, workMsPerMiB: 3, ratio: 0.45 }), 1);
});

Deno.test("CompressionGauge: notices when the link changes", () => {
  const gauge = new CompressionGauge();
  gauge.compressed(BLOCK, BLOCK / 2, 0.3);
  gauge.sent(BLOCK, 0.05);
  const fast = Array.from({ length: 60 }, () => gauge.next()).filter(Boolean).length;
  for (let i = 0; i < 20; i++) gauge.sent(BLOCK, 10);
  assert(fast <= 1 && gauge.next());
});
