import { assertEquals, assertStringIncludes } from "@std/assert";
import { allPairs, parseTransitions, showTransitions } from "../../../tools/transitions.ts";

const PAIR = { side: "source", state: "checked", event: "begun" };
const OTHER = { side: "source", state: "checked", event: "cancel" };

Deno.test("parseTransitions: reads whole lines and passes over the rest", () => {
  const line = JSON.stringify({ side: "source", from: "checked", event: "begun", to: "x" });
  assertEquals(parseTransitions(`${line}\n{"side":1}\nnull\n${line.slice(0, 20)}`), [PAIR]);
});

Deno.test("showTransitions: counts what was exercised and lists what was not", () => {
  const shown = showTransitions([PAIR, PAIR], [PAIR, OTHER]);
  assertStringIncludes(shown, "1 of 2 pairs");
  assertStringIncludes(shown, "2 times");
  assertEquals(shown.split("\n").at(-1)?.trim().split(/\s+/), ["source", "checked", "cancel"]);
});

Deno.test("showTransitions: shows pairs apart that are in no list", () => {
  const shown = showTransitions([OTHER], [PAIR]);
  assertStringIncludes(shown, "0 of 1 pairs");
  assertStringIncludes(shown.split("Seen besides")[1] ?? "", "cancel");
});

Deno.test("allPairs: are the pairs of both tables", async () => {
  const sides = new Set((await allPairs()).map(({ side }) => side));
  assertEquals(sides, new Set(["source", "destination"]));
});
