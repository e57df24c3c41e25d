import { assertEquals } from "@std/assert";
import type { HaulEvent } from "../../../src/haul/events.ts";
import { Distribution, exposition, Figure } from "../../../src/haul/exposition.ts";
import { Metrics } from "../../../src/haul/metrics.ts";

const migration = "0123456789abcdef0123456789abcdef";

function progress(bytes: number): HaulEvent {
  const figures = { iteration: 1, pagesWritten: bytes / 4096, bytes };
  return { event: "progress", migration, ...figures };
}

/** The value of each line, by its name and labels. */
function figures(metrics: Metrics): Map<string, number> {
  const lines = metrics.text.split("\n").filter((line) => /^[a-z]/.test(line));
  return new Map(lines.map((line): [string, number] => {
    const [name = "", value] = line.split(/ (?=[^ ]+$)/);
    return [name, Number(value)];
  }));
}

Deno.test("Metrics: a migration that moves is counted once, with what came and how long it was held", () => {
  const metrics = new Metrics();
  metrics.take({ event: "iteration-begin", migration, iteration: 1, final: true }, 0);
  metrics.take(progress(4096), 1);
  metrics.take(progress(12_288), 2);
  assertEquals(figures(metrics).get("phaul_migrations_under_way"), 1);
  metrics.take({ event: "prepared", migration }, 1000);
  metrics.take({ event: "running", migration, pid: 1 }, 1200);
  // A repeated commit is answered again.
  metrics.take({ event: "running", migration, pid: 1 }, 1300);
  metrics.take({ event: "drained", migration }, 3200);
  const all = figures(metrics);
  assertEquals(all.get("phaul_page_bytes_total"), 12_288);
  assertEquals(all.get("phaul_pages_total"), 3);
  assertEquals(all.get('phaul_migrations_total{outcome="moved"}'), 1);
  assertEquals(all.get("phaul_hold_seconds_sum"), 0.2);
  assertEquals(all.get("phaul_drain_seconds_sum"), 2);
  assertEquals(all.get("phaul_migrations_under_way"), 0);
});

Deno.test("Metrics: each iteration counts from its own begin", () => {
  const metrics = new Metrics();
  for (const iteration of [1, 2]) {
    metrics.take({ event: "iteration-begin", migration, iteration, final: false }, 0);
    metrics.take(progress(8192), 1);
  }
  assertEquals(figures(metrics).get("phaul_page_bytes_total"), 16_384);
});

Deno.test("Metrics: aborted ones and warnings are counted, what began before is no figure", () => {
  const metrics = new Metrics();
  metrics.take({ event: "warning", message: "slow" }, 0);
  metrics.take(progress(4096), 0);
  const aborted = { code: "cancelled", message: "no", whereabouts: "source" } as const;
  metrics.take({ event: "aborted", migration, ...aborted }, 0);
  const all = figures(metrics);
  assertEquals(all.get("phaul_warnings_total"), 1);
  assertEquals(all.get('phaul_migrations_total{outcome="aborted"}'), 1);
  assertEquals(all.get("phaul_page_bytes_total"), 0);
});

Deno.test("exposition: help, type, labels escaped, and buckets that count all below", () => {
  const figure = new Figure("counter", "a_total", "What", "of");
  figure.add(2, 'q"\n');
  const spread = new Distribution("b_seconds", "How long", [0.1, 1]);
  for (const value of [0.05, 0.5, 5]) spread.observe(value);
  assertEquals(exposition([figure, spread]).split("\n"), [
    "# HELP a_total What",
    "# TYPE a_total counter",
    'a_total{of="q\\"\\n"} 2',
    "# HELP b_seconds How long",
    "# TYPE b_seconds histogram",
    'b_seconds_bucket{le="0.1"} 1',
    'b_seconds_bucket{le="1"} 2',
    'b_seconds_bucket{le="+Inf"} 3',
    "b_seconds_sum 5.55",
    "b_seconds_count 3",
    "",
  ]);
});
