/**
 * `deno task bench`: how long a process stands still when it is moved, by phaul and by others, side by
 * side. docs/testing.md has its flags, docs/performance.md its results. The last line is
 * `N passed, N failed, N skipped`: a run passes when every page is right and exactly one copy ran; how
 * long it took fails nothing.
 *
 * @module
 */

import { measureTcp } from "../tests/bench/baseline.ts";
import type { Contestant } from "../tests/bench/contestant.ts";
import type { Baseline, Report, Result } from "../tests/bench/figures.ts";
import type { Ground, Place } from "../tests/bench/ground.ts";
import { hostGround } from "../tests/bench/host_ground.ts";
import { laneGround } from "../tests/bench/lane_ground.ts";
import { perform } from "../tests/bench/perform.ts";
import { figureRows, goalRows, plainTable } from "../tests/bench/table.ts";
import type { VictimKind } from "../tests/bench/victims.ts";
import { writeBenchDoc } from "./bench_doc.ts";
import { type BenchOptions, benchOptions } from "./bench_options.ts";
import { build } from "./build.ts";
import { showCounts } from "./summary.ts";

/** A ground to be made, and what runs on it. */
interface Program {
  readonly title: string;
  readonly place: Place;
  readonly make: () => Promise<Ground>;
  readonly pairs: readonly Pair[];
}

interface Pair {
  readonly name: string;
  readonly victim: VictimKind;
  readonly contestant: Contestant;
}

/** What the others do where phaul did not run: all that is rewritten again and again is dirty each time. */
const USUALLY = { preDumps: 2, paceMs: 600 };
/** So often the run under way is named: nobody should think that it hangs. */
const STILL_MS = 15_000;

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  const options = benchOptions(args);
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => stop.abort());
  }
  const programs = programsOf(options);
  if (options.list) {
    for (const { pairs } of programs) pairs.forEach(({ name }) => console.log(name));
    return 0;
  }
  const report = options.from.length > 0
    ? await reportIn(options.from)
    : await runAll(programs, options, args, stop.signal);
  show(report);
  if (options.json) await Deno.writeTextFile(options.json, JSON.stringify(report, null, 1) + "\n");
  if (options.writeDocs) await writeBenchDoc(report);
  const failed = report.results.filter(({ troubles }) => troubles.length > 0).length;
  const passed = report.results.length - failed;
  console.log(showCounts({ passed, failed, skipped: 0 }));
  return failed === 0 && passed > 0 && !stop.signal.aborted ? 0 : 1;
}

async function runAll(
  programs: readonly Program[],
  { repeat }: BenchOptions,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Report> {
  await build(false);
  const results: Result[] = [];
  const baselines: Baseline[] = [];
  for (const program of programs) {
    if (signal.aborted) break;
    await using ground = await program.make();
    if (program.place === "host") baselines.push(await measureTcp(ground));
    for await (const result of runsOf(program, ground, repeat, signal)) results.push(result);
  }
  return { commands: [["deno task bench", ...args].join(" ")], results, baselines };
}

/** What earlier runs left as JSON: the whole matrix takes long, and can be run in parts. */
async function reportIn(paths: readonly string[]): Promise<Report> {
  const parts: Report[] = await Promise.all(
    paths.map(async (path) => JSON.parse(await Deno.readTextFile(path))),
  );
  return {
    commands: parts.flatMap(({ commands }) => commands),
    results: parts.flatMap(({ results }) => results),
    baselines: parts.flatMap(({ baselines }) => baselines),
  };
}

function programsOf(options: BenchOptions): Program[] {
  const lanes = options.suites.map((suite) => ({
    ...{ title: `lane ${suite}`, place: "lane" as const },
    make: () => laneGround(suite),
  }));
  const host = { title: "host", place: "host" as const, make: hostGround };
  return [...lanes, host].filter(({ place }) => options.places.includes(place))
    .map((ground) => ({ ...ground, pairs: pairsOf(ground, options) }))
    .filter(({ pairs }) => pairs.length > 0);
}

/** All contestants of one victim come one after the other: the judge close to the judged. */
function pairsOf(
  { title, place }: { readonly title: string; readonly place: Place },
  { victims, contestants, filter }: BenchOptions,
): Pair[] {
  return victims.filter(({ places }) => places.includes(place)).flatMap((victim) =>
    contestants.map((contestant) => ({
      name: `${title}: ${victim.name} by ${contestant.name}`,
      victim,
      contestant,
    }))
  ).filter(({ name }) => name.includes(filter));
}

async function* runsOf(
  { pairs }: Program,
  ground: Ground,
  repeat: number,
  signal: AbortSignal,
): AsyncGenerator<Result> {
  const phauls = new Map<string, typeof USUALLY>();
  const total = pairs.length * repeat;
  let number = 0;
  for (let repetition = 1; repetition <= repeat; repetition++) {
    for (const { name, victim, contestant } of pairs) {
      if (signal.aborted) return;
      const likewise = phauls.get(victim.name) ?? USUALLY;
      using _still = stillRunning(name);
      const beganMs = performance.now();
      const result = await perform({ ground, victim, contestant, repetition, ...likewise });
      if (contestant.name === "phaul" && result.likewise) phauls.set(victim.name, result.likewise);
      const seconds = (performance.now() - beganMs) / 1000;
      for (const line of linesOf(result, name, `${++number}/${total}`, seconds)) console.log(line);
      yield result;
    }
  }
}

function stillRunning(name: string): Disposable {
  const beganMs = performance.now();
  const timer = setInterval(() => {
    const seconds = (performance.now() - beganMs) / 1000;
    console.error(`bench: ${name}, for ${seconds.toFixed(0)} s now`);
  }, STILL_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function linesOf(result: Result, name: string, number: string, seconds: number): string[] {
  const { figures, troubles } = result;
  const verdict = troubles.length === 0 ? "ok    " : "FAILED";
  const what = figures === undefined ? "" : `: down ${figures.downtimeMs.toFixed(1)} ms`;
  return [
    `${verdict} ${number} ${name}${what} (${seconds.toFixed(1)} s)`,
    ...troubles.map((text) => `         ${text.replaceAll("\n", "\n         ")}`),
  ];
}

function show(report: Report): void {
  const { results, baselines } = report;
  for (const [ground, runs] of Map.groupBy(results, ({ ground }) => ground)) {
    console.log(`\n${ground}\n${plainTable(figureRows(runs))}`);
  }
  for (const { ground, tcpMbPerS } of baselines) {
    console.log(`\n${ground}: a plain TCP connection carries ${tcpMbPerS.toFixed(0)} MB/s`);
  }
  console.log(`\n${plainTable(goalRows(report))}\n`);
}
