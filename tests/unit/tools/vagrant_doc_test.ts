import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ROOT } from "../../../tools/process.ts";
import { withTranscript } from "../../../tools/vagrant_doc.ts";

const TRANSCRIPT = [
  "$ vagrant up",
  "==> source: Creating domain with the following settings...",
  "==> source:  -- Memory:            2048M",
  "==> source: Starting domain.",
].join("\n");

Deno.test("withTranscript: takes the place of the last one, without a machine's settings", async () => {
  const text = await Deno.readTextFile(`${ROOT}docs/testing.md`);
  const once = withTranscript(text, "$ vagrant status");
  const twice = withTranscript(once, TRANSCRIPT);
  assertEquals(twice, withTranscript(text, TRANSCRIPT));
  assertStringIncludes(twice, "following settings...\n==> source: Starting domain.\n```");
});

Deno.test("withTranscript: refuses a text without marks", () => {
  assertThrows(() => withTranscript("# Testing\n", TRANSCRIPT), Error, "Cannot find the marks");
});
