import { assertEquals, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import {
  list,
  maybe,
  optional,
  parseFlags,
  required,
  toggle,
  ValueError,
} from "../../../src/cli/flags.ts";
import { wholeNumber } from "../../../src/cli/values.ts";

const text = (value: string) => value;
const FLAGS = {
  size: required({ name: "size", placeholder: "N", help: "", read: wholeNumber(1, 9) }),
  name: maybe({ name: "name", placeholder: "TEXT", help: "", read: text }),
  mode: optional({
    ...{ name: "mode", placeholder: "MODE", help: "", read: text },
    ...{ fallback: "slow", shownDefault: "slow" },
  }),
  tag: list({ name: "tag", placeholder: "TAG", help: "", read: text }),
  dryRun: toggle({ name: "dry-run", help: "" }),
} as const;

function refusal(...args: string[]): string {
  const error = assertThrows(() => parseFlags("move", FLAGS, args), PhaulError);
  assertEquals([error.code, error.remedy], ["usage", 'See "phaul help move"']);
  return error.message;
}

Deno.test("parseFlags: absent flags take their defaults", () => {
  assertEquals(parseFlags("move", FLAGS, ["--size", "3"]), {
    ...{ size: 3, name: undefined, mode: "slow", tag: [], dryRun: false },
  });
});

Deno.test("parseFlags: values stand behind the flag or behind =", () => {
  const args = ["--size=4", "--name", "42", "--mode=a=b", "--tag", "x", "--tag=y", "--dry-run"];
  assertEquals(parseFlags("move", FLAGS, args), {
    ...{ size: 4, name: "42", mode: "a=b", tag: ["x", "y"], dryRun: true },
  });
});

Deno.test("parseFlags: a switch can be denied", () => {
  assertEquals(parseFlags("move", FLAGS, ["--size=1", "--dry-run=false"]).dryRun, false);
});

Deno.test("parseFlags: names what it refuses", () => {
  assertEquals(refusal(), "Cannot do without --size N");
  assertEquals(refusal("--size"), "Cannot use --size without its N");
  assertEquals(refusal("--size", "--dry-run"), "Cannot use --size without its N");
  assertEquals(refusal("--size="), "Cannot use --size without its N");
  assertEquals(refusal("--size=x"), 'Cannot use --size "x": it is not a whole number');
  assertEquals(refusal("--size=0"), 'Cannot use --size "0": it is less than 1');
  assertEquals(refusal("--size=1", "--size=2"), "Cannot use --size more than once");
  assertEquals(
    refusal("--size=1", "--dry-run=maybe"),
    'Cannot use --dry-run with "maybe": it takes no value',
  );
});

for (
  const odd of ["--sise=1", "-s", "-s1", "--no-size", "--SIZE=1", "--size.x=1", "--__proto__=1"]
) {
  Deno.test(`parseFlags: refuses the unknown flag ${odd}`, () => {
    assertEquals(
      refusal("--size=1", odd),
      `Cannot understand "${odd}": phaul move has no such flag`,
    );
  });
}

Deno.test("parseFlags: refuses arguments that belong to no flag, behind -- too", () => {
  const message = 'Cannot understand "extra": no argument is expected there';
  assertEquals(refusal("--size=1", "extra"), message);
  assertEquals(refusal("--size=1", "--", "extra"), message);
  assertEquals(refusal("--size=1", "--dry-run", "extra"), message);
});

Deno.test("parseFlags: lets errors pass that are not about a value", () => {
  const broken = () => {
    throw new TypeError("broken");
  };
  const flags = { a: maybe({ name: "a", placeholder: "A", help: "", read: broken }) };
  assertThrows(() => parseFlags("move", flags, ["--a=1"]), TypeError, "broken");
});

Deno.test("ValueError: is not what callers see", () => {
  const read = () => {
    throw new ValueError("it is odd");
  };
  const flags = { a: maybe({ name: "a", placeholder: "A", help: "", read }) };
  assertThrows(
    () => parseFlags("move", flags, ["--a=1"]),
    PhaulError,
    'Cannot use --a "1": it is odd',
  );
});
