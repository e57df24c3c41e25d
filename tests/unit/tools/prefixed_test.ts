import { assertEquals } from "@std/assert";
import { prefixed } from "../../../tools/prefixed.ts";

/** What is passed on when `pieces` come, one after the other. */
function passedOn(...pieces: readonly string[]): string[] {
  const lines: string[] = [];
  const output = prefixed("unit | ", (line) => lines.push(new TextDecoder().decode(line)));
  for (const piece of pieces) output.write(new TextEncoder().encode(piece));
  output.end();
  return lines;
}

Deno.test("prefixed: says whose each line is", () => {
  assertEquals(passedOn("a\nb\n\n"), ["unit | a\n", "unit | b\n", "unit | \n"]);
});

Deno.test("prefixed: puts lines together that come in pieces", () => {
  assertEquals(passedOn("one ...", " ok", "\ntwo", "\n"), ["unit | one ... ok\n", "unit | two\n"]);
});

Deno.test("prefixed: keeps a letter whole that was cut in two", () => {
  const [first = 0, second = 0] = new TextEncoder().encode("ü");
  const lines: string[] = [];
  const output = prefixed("", (line) => lines.push(new TextDecoder().decode(line)));
  for (const byte of [first, second, 10]) output.write(Uint8Array.of(byte));
  assertEquals(lines, ["ü\n"]);
});

Deno.test("prefixed: passes on a last line without an end, and nothing after none", () => {
  assertEquals(passedOn("a\nlast"), ["unit | a\n", "unit | last\n"]);
  assertEquals(passedOn(), []);
});
