import { assert, assertEquals } from "@std/assert";
import { EXIT_CODES, EXIT_GROUPS, exitCodeOf } from "../../../src/cli/exit_codes.ts";

/** The rows `| 10 | `not-root` | meaning |` of docs/scripting.md. */
async function documented(): Promise<string[][]> {
  const text = await Deno.readTextFile(new URL("../../../docs/scripting.md", import.meta.url));
  return [...text.matchAll(/^\| (\d+) +\| `([a-z-]+)` +\| (.+?) +\|$/gm)]
    .map(([, exit = "", code = "", means = ""]) => [exit, code, means]);
}

Deno.test("EXIT_CODES: each failure has a number of its own", () => {
  const numbers = Object.values(EXIT_CODES).map(({ exit }) => exit);
  assertEquals(new Set(numbers).size, numbers.length);
});

Deno.test("EXIT_CODES: none is 0, or what a shell or timeout(1) uses for itself", () => {
  for (const { exit } of Object.values(EXIT_CODES)) assert(exit >= 1 && exit < 124);
});

Deno.test("EXIT_CODES: each is in exactly one of the groups", () => {
  const groups = EXIT_GROUPS.map(([codes]) => codes.split("-").map(Number));
  for (const { exit } of Object.values(EXIT_CODES)) {
    const around = groups.filter(([from = NaN, to = from]) => from <= exit && exit <= to);
    assertEquals(around.length, 1, `exit code ${exit}`);
  }
});

Deno.test("EXIT_CODES: docs/scripting.md holds the same table, in order", async () => {
  const table = Object.entries(EXIT_CODES)
    .map(([code, { exit, means }]) => [String(exit), code, means]);
  assertEquals(await documented(), table);
});

Deno.test("exitCodeOf: numbers that scripts rely on stay what they are", () => {
  assertEquals(exitCodeOf("internal"), 1);
  assertEquals(exitCodeOf("usage"), 2);
  assertEquals(exitCodeOf("cancelled"), 55);
  assertEquals(exitCodeOf("in-doubt"), 60);
});
