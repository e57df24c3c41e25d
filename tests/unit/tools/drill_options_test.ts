import { assertEquals, assertThrows } from "@std/assert";
import { drillOptions } from "../../../tools/drill_options.ts";

Deno.test("drillOptions: an ordinary run unless all or few rows are asked for", () => {
  assertEquals(drillOptions([]).extent, "ordinary");
  assertEquals(drillOptions(["--all"]).extent, "all");
  assertEquals(drillOptions(["--thin"]).extent, "thin");
});

Deno.test("drillOptions: all rows and few of them cannot be had together", () => {
  assertThrows(() => drillOptions(["--all", "--thin"]), Error, "--all and --thin");
});
