import { assert, assertEquals } from "@std/assert";
import { chart } from "../../bench/chart.ts";
import { figureRows, plainTable } from "../../bench/table.ts";
import { result } from "./results.ts";

const RUNS = [
  ...[result("phaul", "idle-16", 60), result("phaul", "idle-128", 72)],
  ...[result("floor", "idle-16", 50), result("floor", "idle-128", 400)],
  result("phaul", "tree-128", 90),
];

Deno.test("chart: draws a bar for each run of families of several sizes, to one scale", () => {
  const svg = chart(RUNS);
  const heights = [
    ...svg.matchAll(/height="([\d.]+)" fill="(#\w+)"\/><text x="[^"]*" y="[^"]*" text-anchor/g),
  ]
    .map(([, height]) => Number(height));
  assertEquals(heights.length, 4);
  assert(Math.abs(Math.max(...heights) / Math.min(...heights) - 8) < 0.1, heights.join());
  assert(!svg.includes("tree"));
});

Deno.test("chart: can be read on black, too", () => {
  assert(chart(RUNS).includes("prefers-color-scheme:dark"));
});

Deno.test("figureRows: a row for each pair, with the floor as its measure", () => {
  const [head = [], ...rows] = figureRows(RUNS);
  const cell = (row: number, name: string) => rows[row]?.[head.indexOf(name)];
  assertEquals(rows.length, 5);
  assertEquals(cell(0, "over floor"), "1.20");
  assertEquals(cell(4, "over floor"), "");
  assert(rows.every((row) => row.length === head.length));
});

Deno.test("figureRows: a run that failed has a row as well", () => {
  const failed = result("phaul", "idle-16", 0, { figures: undefined, troubles: ["it is gone"] });
  assertEquals(figureRows([failed])[1]?.[2], "failed");
  assert(plainTable(figureRows([failed])).includes("failed"));
});
