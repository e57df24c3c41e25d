import { assertEquals } from "@std/assert";
import { Errno, errnoName } from "../../../src/sys/mod.ts";

Deno.test("errnoName: names what the kernel may return", () => {
  assertEquals([1, 3, 11, 17, 56, 107, 133].map(errnoName), [
    "EPERM",
    "ESRCH",
    "EAGAIN",
    "EEXIST",
    "EBADRQC",
    "ENOTCONN",
    "EHWPOISON",
  ]);
});

Deno.test("errnoName: says the number where there is no name", () => {
  assertEquals(errnoName(4711), "errno 4711");
});

Deno.test("Errno: each number has one name", () => {
  const numbers = Object.values(Errno);
  assertEquals(new Set(numbers).size, numbers.length);
});
