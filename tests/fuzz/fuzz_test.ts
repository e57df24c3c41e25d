/** The fuzzer itself: a search that cannot find anything would pass for ever. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { PhaulError } from "../../src/errors.ts";
import { fuzz, type Target } from "./fuzz.ts";

const NAME = "opening";

function target(check: Target["check"], allowed: Target["allowed"] = []): Target {
  return { name: NAME, allowed, check, rounds: 200 };
}

Deno.test("fuzz: the same seed makes the same inputs", async () => {
  const inputs = async () => {
    const all: string[] = [];
    await fuzz(target((input) => all.push(input.toHex())));
    return all;
  };
  const once = await inputs();
  assertEquals(await inputs(), once);
  assert(new Set(once).size > once.length / 2, "most inputs are the same");
});

Deno.test("fuzz: an error of another kind, or of another code, is a defect", async () => {
  for (const error of [new TypeError("a defect"), new PhaulError("internal", "a defect")]) {
    const thrown = target(() => {
      throw error;
    }, ["protocol"]);
    const found = await assertRejects(() => fuzz(thrown), Error);
    assertEquals(found.cause, error);
  }
});

Deno.test("fuzz: a failure tells its input and how to make it again", async () => {
  let seen = "";
  const picky = target((input) => {
    seen = input.toHex();
    if (input.length > 60) throw new TypeError("a defect");
  });
  const { message } = await assertRejects(() => fuzz(picky), Error);
  assertStringIncludes(message, seen);
  assert(/PHAUL_FUZZ_SEED=\d+/.test(message), message);
});
