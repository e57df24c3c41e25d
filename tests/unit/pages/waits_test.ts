import { assertEquals } from "@std/assert";
import { Waits } from "../../../src/pages/waits.ts";

Deno.test("Waits: nobody has waited", () => {
  assertEquals(new Waits().figures, { count: 0, medianUs: 0, p99Us: 0 });
});

Deno.test("Waits: the middle, and what one in a hundred exceeds", () => {
  const waits = new Waits();
  for (let ms = 1; ms <= 200; ms++) waits.add(ms);
  assertEquals(waits.figures, { count: 200, medianUs: 101_000, p99Us: 199_000 });
});

Deno.test("Waits: only the last thousand are looked at, and all are counted", () => {
  const waits = new Waits();
  for (let n = 0; n < 5000; n++) waits.add(1000);
  for (let n = 0; n < 1000; n++) waits.add(2);
  assertEquals(waits.figures, { count: 6000, medianUs: 2000, p99Us: 2000 });
});
