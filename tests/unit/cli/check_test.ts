import { assertEquals, assertStringIncludes } from "@std/assert";
import { describeReport, tally } from "../../../src/cli/findings.ts";
import { runCli } from "../../../src/cli/run.ts";
import type { CheckReport, PlacedFinding } from "../../../src/haul/check.ts";
import { fakeContext } from "./fakes.ts";

const SOURCE: CheckReport["source"] = {
  criuVersion: "4.1.1",
  kernel: "6.12",
  arch: "x86_64",
  pageSize: 4096,
  dirtyTracking: true,
  lazyPages: true,
  timeNamespaces: true,
  cgroupVersion: 2,
  pidMax: 32_768,
  ptraceScope: 0,
  lacks: [],
  roomBytes: 1,
  clockMs: 1,
  cpuinfo: new Uint8Array(3),
};
const MISSING: PlacedFinding = {
  code: "file-missing",
  severity: "blocker",
  message: `"/x" is missing`,
  remedy: "Copy it",
  on: "destination",
};
const CLOCK: PlacedFinding = { code: "clock", severity: "warning", message: "late", on: "both" };

function report(...findings: PlacedFinding[]): CheckReport {
  return { source: SOURCE, findings };
}

async function run(found: CheckReport, ...args: string[]) {
  const context = fakeContext({ check: () => Promise.resolve(found) });
  const code = await runCli(["check", ...args], context);
  return {
    code,
    ...context.terminal,
    out: context.terminal.stdout,
    events: context.terminal.events,
  };
}

Deno.test("phaul check: the worst finding is the exit code", async () => {
  const jsons = [report(), report(CLOCK), report(CLOCK, MISSING)].map((one) => run(one, "--json"));
  assertEquals((await Promise.all(jsons)).map(({ code }) => code), [0, 70, 71]);
});

Deno.test("phaul check --json: one event a finding, then the counts, without the CPU's image", async () => {
  const tree = { pid: 4711, comm: "redis", processes: 2, memoryBytes: 5 };
  const { events } = await run({ ...report(MISSING), tree, destination: SOURCE }, "--json");
  const [finding, end] = events;
  assertEquals([finding?.event, finding?.code, finding?.on], [
    "finding",
    "file-missing",
    "destination",
  ]);
  assertEquals([end?.event, end?.blocker, end?.warning, end?.pid], ["report", 1, 0, 4711]);
  const { cpuinfo: _, ...shown } = SOURCE;
  assertEquals([end?.source, end?.destination], [shown, shown]);
});

Deno.test("phaul check: without a peer nothing is said of a destination", async () => {
  const { events } = await run(report(), "--json");
  assertEquals(Object.hasOwn(events[0] ?? {}, "destination"), false);
});

Deno.test("describeReport: the worst first, alike ones under one advice, the rest counted", () => {
  const many = Array.from({ length: 7 }, (_, i) => ({ ...MISSING, message: `"/${i}" is missing` }));
  const lines = describeReport(report(CLOCK, ...many), 80);
  const text = lines.join("\n");
  assertStringIncludes(text, "BLOCKER  file-missing (destination)");
  assertEquals(text.match(/is missing/g)?.length, 5);
  assertStringIncludes(text, "... and 2 more");
  assertEquals(text.match(/-> Copy it/g)?.length, 1);
  assertEquals(text.indexOf("BLOCKER") < text.indexOf("warning  clock (both hosts)"), true);
  assertEquals(lines.at(-1), "7 blockers, 1 warning, 0 notes: a migration would be refused");
});

Deno.test("describeReport: no line is longer than the terminal, and nothing steers it", () => {
  const message = `\x1b[31m${"word ".repeat(40)}`;
  const lines = describeReport(report({ ...CLOCK, message }), 40);
  assertEquals(lines.filter((line) => line.length > 40 && !line.endsWith("spoilt")), []);
  assertEquals(lines.join("").includes("\x1b"), false);
});

Deno.test("tally: counts by severity", () => {
  assertEquals(tally([CLOCK, MISSING, MISSING]), { blocker: 2, warning: 1, note: 0 });
});
