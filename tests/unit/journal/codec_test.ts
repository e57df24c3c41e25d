import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { decodeJournal, encodeRecord } from "../../../src/journal/mod.ts";
import { DESTINATION_RECORDS, SOURCE_RECORDS, THROTTLED } from "./samples.ts";

const ALL = [...SOURCE_RECORDS, ...DESTINATION_RECORDS, THROTTLED];

const AT = "2026-01-02T03:04:05.678Z";
const stamp = (record: (typeof SOURCE_RECORDS)[number]) => ({ at: AT, boot: "b", record });
const lines = ALL.map((r) => encodeRecord(stamp(r)));

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

Deno.test("encodeRecord: one line a person can read, with its checksum in front", () => {
  for (const line of lines) {
    const text = new TextDecoder().decode(line);
    assertMatch(text, /^[0-9a-f]{8} \{"at":"2026[^\n]*\}\n$/);
  }
});

Deno.test("decodeJournal: what was written comes back", () => {
  const bytes = joined(lines);
  const { records, bytes: whole } = decodeJournal(bytes, "j");
  assertEquals(records.map(({ record }) => record), ALL);
  assertEquals(whole, bytes.length);
});

Deno.test("decodeJournal: a tail torn off at any byte is left out, and nothing before it", () => {
  const [first, second] = lines;
  if (!first || !second) throw new Error("no lines");
  for (let length = 0; length < second.length; length++) {
    const { records, bytes } = decodeJournal(joined([first, second.subarray(0, length)]), "j");
    assertEquals([records.length, bytes], [1, first.length]);
  }
});

Deno.test("decodeJournal: a flipped bit in the last record tears it off, in an earlier one it is told", () => {
  const [first, second] = lines;
  if (!first || !second) throw new Error("no lines");
  for (let at = 0; at < second.length - 1; at += 7) {
    const damaged = Uint8Array.from(second, (byte, index) => index === at ? byte ^ 1 : byte);
    assertEquals(decodeJournal(joined([first, damaged]), "j").records.length, 1);
    const error = assertThrows(
      () => decodeJournal(joined([first, damaged, first]), "j"),
      PhaulError,
    );
    assertEquals(error.code, "journal-damaged");
  }
});

Deno.test("decodeJournal: a whole record that this version does not know is no torn tail", () => {
  const odd = encodeRecord({ at: AT, boot: "b", record: { mark: "MELTED" } as never });
  const error = assertThrows(() => decodeJournal(joined([...lines, odd]), "j"), PhaulError);
  assertEquals(error.code, "journal-damaged");
});
