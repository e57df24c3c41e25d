/**
 * `deno task drill`: the failure drill. It brings each fault to each pair of state and event, lets phaul
 * recover, and shows who ran when by a witness that knows nothing of phaul. docs/testing.md has its
 * flags. The last line is `N passed, N failed, N skipped`.
 *
 * @module
 */

import { type Turn, turnsOf } from "../tests/drill/choose.ts";
import { hostRows } from "../tests/drill/enumerate.ts";
import type { Ground } from "../tests/drill/ground.ts";
import { guestGround } from "../tests/drill/guest/guest_ground.ts";
import { laneRows, machineRows } from "../tests/drill/guest_rows.ts";
import { hostGround, PROXY } from "../tests/drill/host/ground.ts";
import { performAll } from "../tests/drill/pool.ts";
import { randomOf } from "../tests/drill/random.ts";
import { NotReachedError, type RowResult } from "../tests/drill/result.ts";
import { type Place, PLACES, type Row, rowName } from "../tests/drill/row.ts";
import { selfCheck } from "../tests/drill/self_check.ts";
import { stageOn } from "../tests/drill/stage.ts";
import { distinctRows, markdownOf, unreached } from "../tests/drill/table.ts";
import { build } from "./build.ts";
import { writeDrillDoc } from "./drill_doc.ts";
import { type DrillOptions, drillOptions } from "./drill_options.ts";
import { showCounts } from "./summary.ts";
import { fetchModules } from "./process.ts";
import { ensureHostPackages } from "./setup.ts";
import { saveTransitions } from "./transitions.ts";

/** How a place is made, and how many of it at once. */
interface Ways {
  readonly make: () => Promise<Ground>;
  readonly rows: () => Row[];
  readonly stages: (options: DrillOptions) => number;
}

const WAYS: Readonly<Record<Place, Ways>> = {
  host: { make: hostGround, rows: hostRows, stages: ({ jobs }) => jobs },
  lane: { make: () => guestGround("lane"), rows: laneRows, stages: () => 1 },
  machines: { make: () => guestGround("machines"), rows: machineRows, stages: () => 1 },
};

/** So often the drill may try to prove that it can fail. */
const SELF_CHECKS = 3;

if (import.meta.main) {
  try {
    Deno.exit(await drill(drillOptions(Deno.args)));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}

async function drill(options: DrillOptions): Promise<number> {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => stop.abort());
  }
  const chosen = PLACES.filter((place) => options.places.includes(place)).map((place) => ({
    place,
    ways: WAYS[place],
    turns: turnsOf(WAYS[place].rows(), options),
  })).filter(({ turns }) => turns.length > 0);
  if (options.list) {
    for (const { turns } of chosen) turns.forEach(({ row }) => console.log(rowName(row)));
    return 0;
  }
  await ensureHostPackages();
  await fetchModules(PROXY);
  await build(false);
  console.log(`--seed ${options.seed} gives the same order and the same choices again`);
  const drillOn = async ({ place, ways, turns }: (typeof chosen)[number]) => ({
    proved: await canFail(place, ways, options.seed),
    results: await performTurns(turns, ways, options, stop.signal),
  });
  // Guests beside the many rows of this host would be too slow for phaul's deadlines.
  const parts = [];
  for (const guests of [false, true]) {
    if (stop.signal.aborted) break;
    const together = chosen.filter(({ place }) => (place !== "host") === guests);
    parts.push(...await Promise.all(together.map(drillOn)));
  }
  const results = parts.flatMap((part) => part.results);
  const unproved = parts.filter(({ proved }) => !proved).length;
  await saveTransitions("drill", results.flatMap(({ pairs }) => pairs));
  report(results);
  if (options.writeDocs) await writeDrillDoc(results);
  const failed = results.filter(({ troubles }) => troubles.length > 0).length + unproved;
  const passed = results.length + parts.length - failed;
  console.log(showCounts({ passed, failed, skipped: 0 }));
  return failed === 0 && passed > 0 && !stop.signal.aborted ? 0 : 1;
}

/** Lets a second copy run on purpose: a drill that does not see it proves nothing. */
async function canFail(place: Place, { make }: Ways, seed: number): Promise<boolean> {
  const trouble = await withRetries(async () => {
    await using ground = await make();
    return await selfCheck(ground, randomOf(seed));
  });
  console.log(`${trouble === undefined ? "ok    " : "FAILED"} ${place}: a second copy is seen`);
  if (trouble !== undefined) console.log(`         ${trouble}`);
  return trouble === undefined;
}

/** A migration that fails on a busy machine says nothing about the drill. */
async function withRetries(
  attempt: () => Promise<string | undefined>,
): Promise<string | undefined> {
  for (let left = SELF_CHECKS;; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof NotReachedError)) throw error;
      if (left <= 1) return error.message;
    }
  }
}

async function performTurns(
  turns: readonly Turn[],
  { make, stages }: Ways,
  options: DrillOptions,
  signal: AbortSignal,
): Promise<RowResult[]> {
  const results: RowResult[] = [];
  await performAll(turns, {
    makeStage: async () => stageOn(await make(), options.seed),
    stages: stages(options),
    signal,
    onResult: (result) => {
      results.push(result);
      for (const line of linesOf(result, results.length, turns.length)) console.log(line);
    },
  });
  return results;
}

function linesOf(result: RowResult, number: number, of: number): string[] {
  const { row, outcome, copies, runsOn, recoveredBy, troubles, seconds } = result;
  const verdict = troubles.length === 0 ? "ok    " : "FAILED";
  const what = [outcome, `copies: ${copies}`, `runs on: ${runsOn || "none"}`, recoveredBy];
  const line = `${verdict} ${number}/${of} ${rowName(row)}: ${what.join(", ")}`;
  return [`${line} (${seconds.toFixed(1)} s)`, ...troubles.map((text) => `         ${text}`)];
}

function report(results: readonly RowResult[]): void {
  console.log(`\n${markdownOf(results)}\n`);
  console.log(`${distinctRows(results)} rows, told apart by state, event and fault`);
  console.log("Pairs of state and event that no row came by:");
  for (const line of unreached(results)) console.log(`  ${line}`);
  console.log("");
}
