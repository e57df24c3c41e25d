import { assertEquals } from "@std/assert";
import { validateImageName } from "../../../src/wire/mod.ts";
import { thrown } from "./errors.ts";

Deno.test("validateImageName: CRIU's own names pass", () => {
  for (const name of ["core-4711.img", "pages-1.img", "mm_x-1.img", "A", "a".repeat(255), "..a"]) {
    assertEquals(validateImageName(name), name);
  }
});

Deno.test("validateImageName: whatever could leave the directory or steer a terminal is refused", () => {
  const bad = ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\0b", "a b", "ä", "a\n", "\x1b[2J"];
  for (const name of [...bad, "a".repeat(256)]) thrown("protocol", () => validateImageName(name));
});

Deno.test("validateImageName: the error quotes no raw control characters", () => {
  const error = thrown("protocol", () => validateImageName("\x1b[2J" + "x".repeat(10_000)));
  assertEquals(error.message.includes("\x1b"), false);
  assertEquals(error.message.length < 200, true);
});
