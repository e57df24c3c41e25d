import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { parseDumpStats, readDumpStats } from "../../../src/criu/mod.ts";

/** A protobuf varint. */
function varint(value: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = value;; rest >>= 7n) {
    if (rest < 0x80n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}

/** stats-dump as CRIU writes it: two magics, a length, and stats_entry with `dump` as field 1. */
function statsFile(fields: Readonly<Record<number, bigint>>, outer = 1): Uint8Array {
  const dump = Object.entries(fields).flatMap((
    [n, v],
  ) => [...varint(BigInt(n) << 3n), ...varint(v)]);
  const entry = [(outer << 3) | 2, ...varint(BigInt(dump.length)), ...dump];
  const bytes = new Uint8Array(12 + entry.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x55105940, true);
  view.setUint32(4, 0x57093306, true);
  view.setUint32(8, entry.length, true);
  bytes.set(entry, 12);
  return bytes;
}

const FIELDS = {
  1: 11n,
  2: 22n,
  3: 33n,
  4: 44n,
  5: 2n ** 40n,
  6: 66n,
  7: 77n,
  9: 99n,
  12: 120n,
  13: 130n,
  14: 140n,
};

Deno.test("parseDumpStats: each figure by CRIU's field number, beyond 32 bits too", () => {
  assertEquals(parseDumpStats(statsFile(FIELDS)), {
    freezingTimeUs: 11,
    frozenTimeUs: 22,
    memdumpTimeUs: 33,
    memwriteTimeUs: 44,
    pagesScanned: 2 ** 40,
    pagesSkippedParent: 66,
    pagesWritten: 77,
    shpagesScanned: 120,
    shpagesSkippedParent: 130,
    shpagesWritten: 140,
  });
});

Deno.test("parseDumpStats: figures of shared memory may be left out", () => {
  const { 12: _a, 13: _b, 14: _c, ...rest } = FIELDS;
  assertEquals(parseDumpStats(statsFile(rest)).shpagesWritten, 0);
});

Deno.test("parseDumpStats: a file cut anywhere is refused", () => {
  const whole = statsFile(FIELDS);
  for (let length = 0; length < whole.length; length++) {
    const error = assertThrows(() => parseDumpStats(whole.subarray(0, length)));
    assertMatch(String(error), /Cannot read CRIU's statistics/);
  }
});

Deno.test("parseDumpStats: another kind of image is refused", () => {
  const wrong = statsFile(FIELDS);
  wrong[4] = 0;
  assertThrows(() => parseDumpStats(wrong));
  const restore = statsFile({ 1: 1n }, 2);
  assertMatch(String(assertThrows(() => parseDumpStats(restore))), /no figures of a dump/);
});

Deno.test("readDumpStats: a work dir without statistics is told by NotFound", async () => {
  await assertRejects(() => readDumpStats("/nowhere"), Deno.errors.NotFound);
});
