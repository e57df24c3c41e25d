/**
 * `deno task ok`, `test`, `test:...`: runs the lanes of a plan, shows their output as it comes, and
 * ends with the line `N passed, N failed, N skipped`. The exit code is 0 only when nothing failed and
 * every test lane ran a test.
 *
 * `tools/test.ts PLAN [ARGUMENTS]` hands the arguments (such as `--filter=NAME`) to the test lanes.
 *
 * @module
 */

import { build } from "./build.ts";
import { type Lane, PLAN_NAMES, planOf, type Stage } from "./lanes.ts";
import { ROOT } from "./process.ts";
import { ensureHostPackages } from "./setup.ts";
import { type Output, prefixed } from "./prefixed.ts";
import { type Counts, NO_TESTS, readSummary, showCounts, sumCounts } from "./summary.ts";
import { allPairs, forgetTransitions, readTransitions, showTransitions } from "./transitions.ts";

/** How a lane ended. */
interface Result {
  readonly name: string;
  readonly counts: Counts;
  readonly seconds: number;
  /** Why it failed when no single test did. */
  readonly remark?: string;
}

const FAILED_AS_A_WHOLE: Counts = { passed: 0, failed: 1, skipped: 0 };
const AS_IT_COMES: Output = { write: forward, end: () => {} };

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main([name, ...rest]: readonly string[]): Promise<number> {
  const known = PLAN_NAMES.find((one) => one === name);
  if (known === undefined) {
    console.error(`Cannot run "${name}": it is none of ${PLAN_NAMES.join(", ")}`);
    return 2;
  }
  const plan = await planOf(known);
  const lanes = plan.stages.flat();
  const traced = lanes.some((lane) => lane.traced);
  if (traced) await forgetTransitions();
  const results: Result[] = [];
  const interruption = watchForInterrupts();

  if (plan.packages) results.push(...await prepare("packages", ensureHostPackages));
  if (plan.binary) results.push(...await prepare("build", () => build(false)));
  for (const stage of plan.stages) {
    if (interruption.aborted) break;
    results.push(...await runStage(stage, rest));
  }

  for (const result of results) console.log(showResult(result));
  if (traced) await reportTransitions();
  const counts = sumCounts(results.map((result) => result.counts));
  console.log(showCounts(counts));
  return interruption.aborted ? 130 : counts.failed === 0 ? 0 : 1;
}

/**
 * Ctrl-C reaches the lane too, which takes its machines down; the runner waits for that. Another
 * signal is for the runner alone, so it ends after the lane.
 */
function watchForInterrupts(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => controller.abort());
  }
  return controller.signal;
}

/** A failure is a result of its own, and no reason to leave out what can run without it. */
async function prepare(name: string, work: () => Promise<void>): Promise<Result[]> {
  const beganMs = performance.now();
  try {
    await work();
    return [];
  } catch (error) {
    const remark = error instanceof Error ? error.message : String(error);
    console.error(remark);
    return [{ name, counts: FAILED_AS_A_WHOLE, seconds: secondsSince(beganMs), remark }];
  }
}

/** Lanes that run at once name themselves in each line, and tell how they ended as soon as they do. */
async function runStage(stage: Stage, rest: readonly string[]): Promise<Result[]> {
  console.log(`\n=== ${stage.map((lane) => lane.name).join(", ")}`);
  const isAlone = stage.length === 1;
  return await Promise.all(stage.map(async (lane) => {
    const output = () => isAlone ? AS_IT_COMES : prefixed(`${lane.name} | `, forward);
    const result = await runLane(lane, rest, output);
    if (!isAlone) console.log(showResult(result));
    return result;
  }));
}

async function runLane(
  lane: Lane,
  rest: readonly string[],
  output: () => Output,
): Promise<Result> {
  const { name } = lane;
  if (lane.args.length === 0) {
    return { name, counts: FAILED_AS_A_WHOLE, seconds: 0, remark: "there is no test" };
  }
  const beganMs = performance.now();
  const colour = Deno.stdout.isTerminal() && Deno.env.get("NO_COLOR") === undefined;
  const child = new Deno.Command(Deno.execPath(), {
    args: [...lane.args, ...(lane.kind === "test" ? rest : [])],
    cwd: ROOT,
    env: colour ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [stdout, , status] = await Promise.all([
    collect(child.stdout, output()),
    collect(child.stderr, output()),
    child.status,
  ]);
  return { name, seconds: secondsSince(beganMs), ...judge(lane, status.success, stdout) };
}

/** What a lane's end means: its summary, and a failure of its own when the two do not fit. */
function judge(lane: Lane, success: boolean, stdout: string): Pick<Result, "counts" | "remark"> {
  if (lane.kind === "check") return { counts: success ? NO_TESTS : FAILED_AS_A_WHOLE };
  const counts = readSummary(stdout);
  if (counts === undefined) {
    return { counts: FAILED_AS_A_WHOLE, remark: "it ended without a summary" };
  }
  if (counts.passed + counts.failed === 0) {
    return { counts: sumCounts([counts, FAILED_AS_A_WHOLE]), remark: "it ran no test" };
  }
  if (!success && counts.failed === 0) {
    const remark = "it failed outside of its tests";
    return { counts: sumCounts([counts, FAILED_AS_A_WHOLE]), remark };
  }
  return { counts };
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  output: Output,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    output.write(chunk);
    text += decoder.decode(chunk, { stream: true });
  }
  output.end();
  return text + decoder.decode();
}

function forward(text: Uint8Array): void {
  for (let done = 0; done < text.length;) done += Deno.stdout.writeSync(text.subarray(done));
}

function secondsSince(beganMs: number): number {
  return (performance.now() - beganMs) / 1000;
}

function showResult({ name, counts, seconds, remark }: Result): string {
  const verdict = counts.failed === 0 ? "ok    " : "FAILED";
  const why = remark === undefined ? "" : ` (${remark.split("\n")[0]})`;
  const what = counts === NO_TESTS ? "" : showCounts(counts);
  return `${verdict} ${name.padEnd(12)} ${seconds.toFixed(1).padStart(7)} s  ${what}${why}`;
}

async function reportTransitions(): Promise<void> {
  console.log(`\n${showTransitions(await readTransitions(), await allPairs())}\n`);
}
