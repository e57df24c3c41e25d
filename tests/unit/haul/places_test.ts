import { assertEquals, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { Places } from "../../../src/haul/places.ts";

function codeOf(action: () => unknown): string {
  return assertThrows(action, PhaulError).code;
}

Deno.test("Places: what has begun and what is about to begin count together", () => {
  const places = new Places(2);
  using _one = places.enter("a", {}, 1);
  const error = assertThrows(() => places.enter("b", {}, 1), PhaulError);
  assertEquals(error.code, "busy");
  assertEquals(error.remedy?.includes("--max-migrations"), true);
  assertEquals(codeOf(() => places.enter("b", {}, 2)), "busy");
});

Deno.test("Places: two sources for one id, and one connection for two, are refused at once", () => {
  const places = new Places(10);
  const link = {};
  using _one = places.enter("a", link, 0);
  assertEquals(codeOf(() => places.enter("a", {}, 0)), "protocol");
  assertEquals(codeOf(() => places.enter("b", link, 0)), "protocol");
});

Deno.test("Places: one that is given back can be taken again", () => {
  const places = new Places(1);
  const link = {};
  for (let round = 0; round < 3; round++) {
    using _place = places.enter("a", link, 0);
    assertEquals(codeOf(() => places.enter("b", {}, 0)), "busy");
  }
});
