import { assertEquals, assertThrows } from "@std/assert";
import { CHECKS_DOC, withChecks } from "../../../tools/checks_doc.ts";
import { ROOT } from "../../../tools/process.ts";

Deno.test('docs/checks.md: holds the codes of today ("deno task docs" writes them)', async () => {
  const text = await Deno.readTextFile(ROOT + CHECKS_DOC);
  assertEquals(text, withChecks(text));
});

Deno.test("withChecks: a document without the marks is left alone", () => {
  assertThrows(() => withChecks("# Checks"), Error, "marks");
});
