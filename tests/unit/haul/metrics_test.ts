import { assertEquals, assertStringIncludes } from "@std/assert";
import type { HaulEvent } from "../../../src/haul/events.ts";
import { Metrics } from "../../../src/haul/metrics.ts";

const migration = "0123456789abcdef0123456789abcdef";

function progress(bytes: number): HaulEvent {
  const figures = { iteration: 1, pagesWritten: bytes / 4096, bytes };
  return { event: "progress", migration, ...figures };
}

/** The value of each line, by its name and labels. */
async function figures(metrics: Metrics): Promise<Map<string, number>> {
  const lines = (await metrics.text()).split("\n").filter((line) => /^[a-z]/.test(line));
  return new Map(lines.map((line): [string, number] => {
    const [name = "", value] = line.split(/ (?=[^ ]+$)/);
    return [name, Number(value)];
  }));
}

Deno.test("Metrics: a migration that moves is counted once, with what came and how long it was held", async () => {
  const metrics = new Metrics();
  metrics.take({ event: "iteration-begin", migration, iteration: 1, final: true }, 0);
  metrics.take(progress(4096), 1);
  metrics.take(progress(12_288), 2);
  assertEquals((await figures(metrics)).get("phaul_migrations_under_way"), 1);
  metrics.take({ event: "prepared", migration }, 1000);
  metrics.take({ event: "running", migration, pid: 1 }, 1200);
  // A repeated commit is answered again.
  metrics.take({ event: "running", migration, pid: 1 }, 1300);
  metrics.take({ event: "drained", migration }, 3200);
  const all = await figures(metrics);
  assertEquals(all.get("phaul_page_bytes_total"), 12_288);
  assertEquals(all.get("phaul_pages_total"), 3);
  assertEquals(all.get('phaul_migrations_total{outcome="moved"}'), 1);
  assertEquals(all.get("phaul_hold_seconds_sum"), 0.2);
  assertEquals(all.get("phaul_drain_seconds_sum"), 2);
  assertEquals(all.get("phaul_migrations_under_way"), 0);
});

Deno.test("Metrics: each iteration counts from its own begin", async () => {
  const metrics = new Metrics();
  for (const iteration of [1, 2]) {
    metrics.take({ event: "iteration-begin", migration, iteration, final: false }, 0);
    metrics.take(progress(8192), 1);
  }
  assertEquals((await figures(metrics)).get("phaul_page_bytes_total"), 16_384);
});

Deno.test("Metrics: aborted ones and warnings are counted, what began before is no figure", async () => {
  const metrics = new Metrics();
  metrics.take({ event: "warning", message: "slow" }, 0);
  metrics.take(progress(4096), 0);
  const aborted = { code: "cancelled", message: "no", whereabouts: "source" } as const;
  metrics.take({ event: "aborted", migration, ...aborted }, 0);
  const all = await figures(metrics);
  assertEquals(all.get("phaul_warnings_total"), 1);
  assertEquals(all.get('phaul_migrations_total{outcome="aborted"}'), 1);
  assertEquals(all.get("phaul_page_bytes_total"), 0);
  assertStringIncludes(metrics.contentType, "text/plain");
});
