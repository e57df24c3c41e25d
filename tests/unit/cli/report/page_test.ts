import { assert, assertEquals } from "@std/assert";
import { chartData } from "../../../../src/cli/report/chart_data.ts";
import { keyFigures } from "../../../../src/cli/report/key_figures.ts";
import { lanesOf, switchoverLanes } from "../../../../src/cli/report/lanes.ts";
import { loadAssets } from "../../../../src/cli/report/assets.ts";
import { reportPage } from "../../../../src/cli/report/page.ts";
import { CAME, FAILED, MOVED } from "../entries.ts";

const HOSTILE = `</script><img src=x onerror="alert(1)">'&`;

Deno.test("reportPage: what a stranger named is text, also in the data of the charts", async () => {
  const findings = [{ ...MOVED.details.findings[0]!, message: HOSTILE }];
  const hosts = { source: { criuVersion: HOSTILE, kernel: HOSTILE, arch: HOSTILE } };
  const details = { ...MOVED.details, findings, hosts };
  const failure = { code: "internal", message: HOSTILE } as const;
  const entry = { ...MOVED, comm: HOSTILE, peer: HOSTILE, failure, details };
  const page = reportPage(entry, await loadAssets());
  assert(!page.includes("<img"), "an element came out of a name");
  assert(page.includes("&lt;/script&gt;&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&amp;"));
  assertEquals(page.match(/<\/script>/g)?.length, page.match(/<script/g)?.length);
});

Deno.test("reportPage: it fetches nothing", async () => {
  for (const entry of [MOVED, FAILED, CAME]) {
    const page = reportPage(entry, await loadAssets());
    const outside = page.match(/(src|href|action)\s*=\s*["']|url\(|@import|\bfetch\(|XMLHttp/g);
    assertEquals(outside, null);
  }
});

Deno.test("reportPage: the verdict, figures, findings and versions are there", async () => {
  const page = reportPage(MOVED, await loadAssets());
  const expected = ["redis (process 7) to dst:7284", "<strong>Moved.</strong>", "CRIU 4.1.1"];
  for (const text of [...expected, "1 MiB is left", "25600"]) assert(page.includes(text), text);
  assert(page.indexOf("1 MiB is left") < page.indexOf("the clocks differ"), "the worst is first");
  const failed = reportPage(FAILED, await loadAssets());
  assert(failed.includes("Not moved.</strong> Cannot reach"));
  assert(failed.includes("The process is on the source."));
});

Deno.test("lanesOf: all of it, on either side", () => {
  const shown = (entry: typeof MOVED) =>
    lanesOf(entry).map(({ name, fromMs, toMs }) => [name, fromMs, toMs]);
  assertEquals(shown(MOVED), [
    ["Checks", 0, 200],
    ["Iteration 1", 210, 1210],
    ["Switchover: it stands still", 1216, 1300],
    ["Memory is filled in", 1300, 1500],
  ]);
  assertEquals(shown(CAME), [
    ["Iteration 1", 10, 500],
    ["Final dump, until it runs", 500, 620],
    ["Memory is filled in", 620, 900],
  ]);
  assertEquals(shown(FAILED), [["Checks", 0, 80]]);
});

Deno.test("switchoverLanes: both hosts, to the millisecond; none where nothing was frozen", () => {
  const shown = switchoverLanes(MOVED).map(({ on, fromMs, toMs }) => [on, fromMs, toMs]);
  assertEquals(shown, [
    ["source", 1216, 1240],
    ["source", 1240, 1286],
    ["destination", 1216, 1245],
    ["destination", 1245, 1280],
    ["destination", 1280, 1285],
    ["source", 1286, 1290],
    ["source", 1290, 1300],
    ["destination", 1292, 1297],
  ]);
  assertEquals(switchoverLanes(FAILED), []);
});

Deno.test("keyFigures: sums of all iterations", () => {
  const figures = keyFigures(MOVED).map(({ name, value, remark }) => [name, value, remark]);
  assertEquals(figures, [
    ["Stood still", "84 ms", "from the freeze until it ran"],
    ["Frozen by CRIU", "60 ms", "final dump"],
    ["In all", "1 min 1 s", undefined],
    ["Memory", "101.0 MiB", "25856 pages in 2 iterations"],
    ["Sent", "51.0 MiB", "50 % of it"],
    ["Rate", "100.0 MiB/s", "while it ran"],
  ]);
  assertEquals(keyFigures(FAILED).map(({ name }) => name), ["In all"]);
});

Deno.test("chartData: rates over what passed between two moments", () => {
  const { iterations, transfer } = chartData(MOVED.details);
  assertEquals(iterations.copiedMiB, [100, 1]);
  // One MiB was written in the second between the begins of the two.
  assertEquals(iterations.writtenMiBs, [null, 1]);
  assertEquals(transfer.seconds, [0.71, 1.21]);
  assertEquals(transfer.rateMiBs, [100, 100]);
});
