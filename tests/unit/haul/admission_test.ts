import { assertEquals, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { restoresLazily } from "../../../src/haul/admission.ts";
import { begin } from "../wire/samples.ts";

const held = { ...begin, holdMode: "stopped", late: false } as const;
const byNotify = { ...begin, holdMode: "notify", late: false } as const;

Deno.test("restoresLazily: auto does it where the host can and the tree is left stopped", () => {
  assertEquals(restoresLazily({ ...held, restoreMode: "auto" }, true), true);
  assertEquals(restoresLazily({ ...held, restoreMode: "auto" }, false), false);
  assertEquals(restoresLazily({ ...byNotify, restoreMode: "auto" }, true), false);
});

Deno.test("restoresLazily: eager never does it", () => {
  assertEquals(restoresLazily({ ...held, restoreMode: "eager" }, true), false);
});

Deno.test("restoresLazily: pages that come late are restored in no other way", () => {
  const late = { ...held, late: true, restoreMode: "auto" } as const;
  assertEquals(restoresLazily(late, true), true);
  assertThrows(() => restoresLazily(late, false), PhaulError, "lazily");
  assertThrows(() => restoresLazily({ ...late, holdMode: "notify" }, true), PhaulError, "job");
});

Deno.test("restoresLazily: what is demanded and cannot be is refused, with why", () => {
  for (
    const [request, can, why] of [
      [held, false, /kernel or CRIU/],
      [byNotify, true, /--shell-job/],
    ] as const
  ) {
    const error = assertThrows(
      () => restoresLazily({ ...request, restoreMode: "lazy" }, can),
      PhaulError,
    );
    assertEquals(error.code, "destination-unfit");
    assertEquals(why.test(error.message), true, error.message);
  }
});
