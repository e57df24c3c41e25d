/** Two hosts in one guest: how long the switchover may take, and what the page path does with the link. */

import { assert, assertEquals } from "@std/assert";
import type { Host, Victim } from "../host.ts";
import {
  expectCode,
  lastEvent,
  migrate,
  type Migration,
  recover,
  type RunOptions,
} from "../phaul.ts";
import { progress } from "../progress.ts";
import type { Pair } from "../pair.ts";
import { clearAway, expectRunsOn, scenario, Stage, untilClean } from "./shared.ts";

const EXIT = { featureMissing: 13, overBudget: 58 };
const CGROUPS = "/sys/fs/cgroup";
const ATTEMPTS = 5;
const UNLIMITED = "max 100000";
/** Writes all of its memory again and again, as fast as it can. */
const WRITER = "rewriter --size 8 --hot 100 --every 100";

const stage = new Stage();
Deno.test.beforeAll(() => stage.boot("lane"));
Deno.test.afterAll(() => stage.end());

/** A victim in a cgroup that is its own. */
async function confined(
  host: Host,
  command: string,
): Promise<Victim & { readonly cgroup: string }> {
  const victim = await stage.victim(host, command);
  const cgroup = `${CGROUPS}/${victim.name}`;
  await host.run(`echo +cpu >${CGROUPS}/cgroup.subtree_control
    mkdir ${cgroup} && echo ${victim.pid} >${cgroup}/cgroup.procs`);
  return { ...victim, cgroup };
}

async function cpuMax(host: Host, { cgroup }: { cgroup: string }): Promise<string> {
  return (await host.run(`cat ${cgroup}/cpu.max`)).stdout.trim();
}

type Confined = Victim & { readonly cgroup: string };

/**
 * A budget between what the copy and all else take, and all else alone, by what is predicted where there
 * is no chance: just in the middle of both factors.
 */
async function tightBudget({ alpha, beta }: Pair, victim: Victim): Promise<string> {
  const args = "--max-downtime 1ms --on-miss cancel --max-iters 1";
  const run = await migrate(alpha, beta, victim, { args });
  expectCode(run, EXIT.overBudget);
  const allMs = Number(lastEvent(run, "predicted")?.switchoverMs);
  const othersMs = allMs - Number(lastEvent(run, "predicted")?.copyMs);
  return `--max-downtime ${Math.round(Math.sqrt(othersMs * allMs))}ms`;
}

/**
 * A migration in which the victim was slowed down. An emulated guest is twice as fast at times, and the
 * budget is that of a moment before: one that came to nothing is tried again.
 */
async function slowedDown(
  pair: Pair,
  more: (victim: Confined) => RunOptions,
): Promise<{ readonly victim: Confined; readonly run: Migration }> {
  for (let attempt = 1;; attempt++) {
    const victim = await confined(pair.alpha, WRITER);
    const budget = await tightBudget(pair, victim);
    const { hook, args = "" } = more(victim);
    const options = { hook, args: `${budget} --on-miss throttle --max-iters 1 ${args}` };
    const run = await migrate(pair.alpha, pair.beta, victim, options);
    if (run.events.some(({ event }) => event === "throttled")) return { victim, run };
    if (attempt === ATTEMPTS) throw new Error(`It was never slowed down:\n${run.said}`);
    await clearAway(pair, victim);
  }
}

/** The fields of the last event of that name, or of one iteration. */
function figuresOf(run: Migration, name: string, iteration?: number): Record<string, unknown> {
  const found = run.events.findLast((event) =>
    event.event === name && (iteration === undefined || event.iteration === iteration)
  );
  return { ...found };
}

function tellAccuracy(run: Migration): void {
  const { switchoverMs, predictedMs } = figuresOf(run, "migrated");
  progress(
    `predicted ${Math.round(Number(predictedMs))} ms, took ${Math.round(Number(switchoverMs))}`,
  );
}

scenario(
  stage,
  "one guest: a budget that is met ends the iterating, and both are told",
  async (pair) => {
    const { alpha, beta } = pair;
    await stage.server(beta);
    const victim = await stage.victim(alpha, "rewriter --size 16");
    const run = await migrate(alpha, beta, victim, { args: "--max-downtime 60s" });
    expectCode(run, 0);
    assertEquals(lastEvent(run, "converged")?.reason, "fits-budget");
    assertEquals(lastEvent(run, "predicted")?.fits, true);
    const { predictedMs, maxDowntimeMs } = figuresOf(run, "migrated");
    assert(Number(predictedMs) > 0 && maxDowntimeMs === 60_000);
    tellAccuracy(run);
    await expectRunsOn(pair, victim, "alpha", "beta");
    await clearAway(pair, victim);
  },
);

scenario(
  stage,
  "one guest: a budget that cannot be met cancels when it is told to",
  async (pair) => {
    const { alpha, beta } = pair;
    await stage.server(beta);
    const victim = await stage.victim(alpha, WRITER);
    const args = "--max-downtime 1ms --on-miss cancel";
    const run = await migrate(alpha, beta, victim, { args });
    expectCode(run, EXIT.overBudget);
    assertEquals(lastEvent(run, "failed")?.whereabouts, "source");
    await expectRunsOn(pair, victim, "alpha");
    await clearAway(pair, victim);
  },
);

scenario(stage, "one guest: a writer is slowed down, and has its CPU time back", async (pair) => {
  const { alpha, beta } = pair;
  await stage.server(beta);
  const { victim, run } = await slowedDown(pair, () => ({}));
  expectCode(run, 0);
  tellAccuracy(run);
  const percents = run.events.filter(({ event }) => event === "throttled").map((e) => e.cpuPercent);
  assert(percents.length >= 2 && percents[0] === 80 && percents.at(-1) === 100, `${percents}`);
  assertEquals(await cpuMax(alpha, victim), UNLIMITED);
  await expectRunsOn(pair, victim, "alpha", "beta");
  await clearAway(pair, victim);
});

scenario(stage, "one guest: a tree among others is not slowed down with them", async (pair) => {
  const { alpha, beta } = pair;
  await stage.server(beta);
  const victim = await stage.victim(alpha, "piggie --size 8");
  const args = "--max-downtime 1s --on-miss throttle";
  expectCode(await migrate(alpha, beta, victim, { args }), EXIT.featureMissing);
  await expectRunsOn(pair, victim, "alpha");
  await clearAway(pair, victim);
});

/** Ends the migration once the tree is slow. */
const ENDS = {
  "Ctrl-C": (phaul: string) => `kill -2 ${phaul}`,
  "kill -9": (phaul: string) => `kill -9 ${phaul}`,
};

for (const [how, end] of Object.entries(ENDS)) {
  scenario(stage, `one guest: after ${how} a slow process is as fast as before`, async (pair) => {
    const { alpha, beta } = pair;
    await stage.freshServer(beta, { args: "--peer-timeout 6" });
    const { victim, run } = await slowedDown(pair, ({ cgroup }) => ({
      hook: `grep -q ' 10007$' ${cgroup}/cpu.max && ${end("$PPID")}; true`,
      args: "--peer-timeout 6",
    }));
    assert(run.code !== 0, run.said);
    if (how === "kill -9") {
      assert((await cpuMax(alpha, victim)).endsWith(" 10007"), "it was put back by nobody");
      await recover(alpha);
    }
    assertEquals(await cpuMax(alpha, victim), UNLIMITED);
    await expectRunsOn(pair, victim, "alpha");
    await clearAway(pair, victim);
    await untilClean(alpha);
  });
}

scenario(stage, "one guest: pages keep to their rate while the tree runs", async (pair) => {
  const { alpha, beta } = pair;
  await stage.server(beta);
  const victim = await stage.victim(alpha, "piggie --size 16");
  const args = "--bandwidth 8Mbit --max-iters 1";
  const run = await migrate(alpha, beta, victim, { args });
  expectCode(run, 0);
  const { sentBytes, durationMs } = figuresOf(run, "iteration-end", 1);
  // 20 ms of burst are free.
  assert(Number(durationMs) >= Number(sentBytes) / 1000 - 50, `${sentBytes} in ${durationMs} ms`);
  await expectRunsOn(pair, victim, "alpha", "beta");
  await clearAway(pair, victim);
});

for (const how of ["zstd", "auto"] as const) {
  scenario(stage, `one guest: pages packed by ${how} arrive as they were`, async (pair) => {
    const { alpha, beta } = pair;
    await stage.server(beta);
    const victim = await stage.victim(alpha, "rewriter --size 16 --shared");
    const args = `--compress ${how} --bandwidth 40Mbit --max-iters 3`;
    const run = await migrate(alpha, beta, victim, { args });
    expectCode(run, 0);
    const { sentBytes, bytes } = figuresOf(run, "migrated");
    progress(`${how}: ${sentBytes} bytes travelled of ${bytes}`);
    assert(Number(sentBytes) <= Number(bytes) * 1.001);
    await expectRunsOn(pair, victim, "alpha", "beta");
    await clearAway(pair, victim);
  });
}

scenario(
  stage,
  "one guest: a plan tells what a migration would take, and moves nothing",
  async (pair) => {
    const { alpha, beta } = pair;
    await stage.server(beta);
    const victim = await stage.victim(alpha, "rewriter --size 8");
    const checked = await migrate(alpha, beta, victim, { command: "check" });
    assert(!checked.events.some(({ severity }) => severity === "blocker"), checked.said);
    const plan = await migrate(alpha, beta, victim, { command: "plan" });
    expectCode(plan, 0);
    const planned = lastEvent(plan, "planned");
    const iterations = Array.isArray(planned?.iterations) ? planned.iterations : [];
    const [first, second] = iterations;
    assert(first?.pagesWritten > second?.pagesWritten, plan.said);
    assert(second.dirtyPagesPerSecond > 0, plan.said);
    assert(Number(planned?.switchoverMs) > 0, plan.said);
    assert(Number(planned?.bytes) > first.bytes, plan.said);
    await expectRunsOn(pair, victim, "alpha");
    await untilClean(beta);
    const tight = await migrate(alpha, beta, victim, {
      command: "plan",
      args: "--max-downtime 1ms --max-iters 2",
    });
    expectCode(tight, EXIT.overBudget);
    assertEquals(lastEvent(tight, "planned")?.fits, false);
    expectCode(await migrate(alpha, beta, victim), 0);
    await expectRunsOn(pair, victim, "alpha", "beta");
    await clearAway(pair, victim);
  },
);
