import { assert, assertEquals, assertThrows } from "@std/assert";
import { benchOptions } from "../../../tools/bench_options.ts";

Deno.test("benchOptions: the whole matrix unless it is told otherwise", () => {
  const { places, suites, victims, contestants, repeat } = benchOptions([]);
  assertEquals(places, ["lane", "host"]);
  assertEquals(suites, ["bookworm", "trixie"]);
  assertEquals(repeat, 1);
  assert(victims.length > 10);
  assert(contestants.every(({ usual }) => usual));
});

Deno.test("benchOptions: --quick is one guest, small victims, phaul and its judge", () => {
  const { places, suites, victims, contestants } = benchOptions(["--quick"]);
  assertEquals([places, suites], [["lane"], ["bookworm"]]);
  assertEquals(contestants.map(({ name }) => name), ["phaul", "floor"]);
  assert(victims.every(({ memoryMb }) => memoryMb <= 16));
});

Deno.test("benchOptions: what is named runs though it is not usual", () => {
  const { contestants, victims } = benchOptions([
    "--contestant",
    "phaul-plain",
    "--victim=idle-16",
  ]);
  assertEquals(contestants.map(({ name }) => name), ["phaul-plain"]);
  assertEquals(victims.map(({ name }) => name), ["idle-16"]);
});

Deno.test("benchOptions: says what it cannot use", () => {
  assertThrows(() => benchOptions(["--on", "mars"]), Error, 'Cannot use --on "mars"');
  assertThrows(() => benchOptions(["--repeat", "0"]), Error, "a number from 1 on");
  assertThrows(() => benchOptions(["--fast"]), Error, 'Cannot understand "--fast"');
});
