import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { allPairs } from "../../../src/migrate/tables.ts";
import { withDrill } from "../../../tools/drill_doc.ts";
import { parseLine } from "../../drill/host/witness.ts";
import type { RowResult } from "../../drill/result.ts";
import { distinctRows, markdownOf, unreached } from "../../drill/table.ts";

const PAIR = { side: "source", state: "frozen", event: "ready" } as const;
const PASSED: RowResult = {
  row: { place: "host", pair: PAIR, fault: { kind: "cut" }, expected: "one" },
  outcome: "moved",
  copies: 1,
  runsOn: "beta",
  recoveredBy: "nobody had to",
  troubles: [],
  pairs: [PAIR],
  seconds: 1,
};

Deno.test("markdownOf: has a line for each row, the worst of its turns", () => {
  const failed = { ...PASSED, copies: 2, troubles: ["two copies"] };
  const lines = markdownOf([PASSED, failed, PASSED]).split("\n");
  assertEquals(lines.length, 3);
  assertStringIncludes(lines[2] ?? "", "| 2      |");
  assertStringIncludes(lines[2] ?? "", "wrong");
});

Deno.test("distinctRows: rows of one key in two places are one", () => {
  const elsewhere = { ...PASSED, row: { ...PASSED.row, place: "lane" as const } };
  const another = { ...PASSED, row: { ...PASSED.row, fault: { kind: "none" as const } } };
  assertEquals(distinctRows([PASSED, elsewhere, another]), 2);
});

Deno.test("unreached: names every pair but those that were come by", () => {
  const all = unreached([]).join("\n");
  assert(allPairs().every(({ event }) => all.includes(event)));
  const frozen = (lines: readonly string[]) =>
    lines.find((line) => line.startsWith("source frozen:"));
  assert(frozen(unreached([]))?.includes("ready"));
  assert(!frozen(unreached([PASSED]))?.includes("ready"));
});

Deno.test("withDrill: replaces what is between the marks and nothing else", () => {
  const begin = "<!-- The drill: written by deno task drill --write-docs -->";
  const end = "<!-- End of the drill -->";
  const text = withDrill(`before\n${begin}\nstale\n${end}\nafter`, [PASSED]);
  assert(text.startsWith("before\n") && text.endsWith("\nafter") && !text.includes("stale"));
  assertEquals(withDrill(text, [PASSED]), text);
});

Deno.test("parseLine: believes no host that another address speaks for", () => {
  const hosts = new Map([["10.78.0.1", "alpha"], ["10.78.0.2", "beta"]]);
  const tick = parseLine("1500000 10.78.0.1 tick w alpha 7 42", hosts);
  assertEquals(tick, { workload: "w", host: "alpha", sequence: 7, pid: 42, timeMs: 1.5 });
  let refused = "";
  try {
    parseLine("1500000 10.78.0.2 tick w alpha 7 42", hosts);
  } catch (error) {
    refused = String(error);
  }
  assertStringIncludes(refused, "not alpha");
});
