/** Two hosts in one guest: everything that needs pre-dumps but not two machines. */

import { assert, assertEquals } from "@std/assert";
import {
  endVictim,
  expectCode,
  finish,
  lastEvent,
  migrate,
  type RunOptions,
  startMigration,
} from "../phaul.ts";
import { clearAway, expectRunsOn, preDumps, scenario, Stage, TICKS } from "./shared.ts";

const EXIT = { terminalJob: 23, processGone: 26, peerSilent: 41, stalled: 53, cancelled: 55 };
const IMPATIENT = "--peer-timeout 6 --connect-timeout 5";

const stage = new Stage();
Deno.test.beforeAll(() => stage.boot("lane"));
Deno.test.afterAll(() => stage.end());

scenario(stage, "one guest: each pre-dump of an idle process writes little", async (pair) => {
  const { alpha, beta } = pair;
  await stage.server(beta);
  const victim = await stage.victim(alpha, "piggie --size 16");
  const run = await migrate(alpha, beta, victim);
  expectCode(run, 0);
  // Its counter is rewritten all the time, and the kernel tracks huge pages whole: 512 at a time.
  assert(lastEvent(run, "converged") !== undefined, run.said);
  const [first = 0, ...later] = preDumps(run);
  assert(later.length >= 1 && later.every((pages) => pages < first / 2), `${first}, ${later}`);
  await expectRunsOn(pair, victim, "alpha", "beta");
  await clearAway(pair, victim);
});

scenario(stage, "one guest: shared memory that is rewritten arrives whole", async (pair) => {
  const { alpha, beta } = pair;
  await stage.server(beta);
  const victim = await stage.victim(alpha, "rewriter --size 16 --shared");
  expectCode(await migrate(alpha, beta, victim, { args: "--max-iters 2" }), 0);
  await expectRunsOn(pair, victim, "alpha", "beta");
  await clearAway(pair, victim);
});

scenario(
  stage,
  "one guest: pages that CRIU sends itself, over iterations of one connection",
  async (pair) => {
    const { alpha, beta } = pair;
    await stage.freshServer(beta, { args: "--direct-port 7285" });
    const victim = await stage.victim(alpha, "rewriter --size 16");
    const run = await migrate(alpha, beta, victim, { args: "--channel direct --max-iters 3" });
    expectCode(run, 0);
    assert(preDumps(run).length >= 2 && preDumps(run).every((pages) => pages > 0), run.said);
    await expectRunsOn(pair, victim, "alpha", "beta");
    await clearAway(pair, victim);
  },
);

scenario(stage, "one guest: two migrations at once over one server", async (pair) => {
  const { alpha, beta } = pair;
  await stage.server(beta);
  const victims = [
    await stage.victim(alpha, "rewriter --size 8"),
    await stage.victim(alpha, "tree"),
  ];
  const runs = await Promise.all(victims.map((victim) => migrate(alpha, beta, victim)));
  for (const run of runs) expectCode(run, 0);
  for (const victim of victims) await expectRunsOn(pair, victim, "alpha", "beta");
  for (const victim of victims) await clearAway(pair, victim);
});

scenario(stage, "one guest: the victim ends during pre-copy", async (pair) => {
  const { alpha, beta } = pair;
  await stage.server(beta);
  const victim = await stage.victim(alpha, "piggie --size 8");
  const hook = `[ "$PHAUL_STAGE$PHAUL_ITERATION" = iteration-begin2 ] && kill -9 $PHAUL_PID; true`;
  const run = await migrate(alpha, beta, victim, { hook });
  expectCode(run, EXIT.processGone);
  assertEquals(lastEvent(run, "failed")?.whereabouts, "gone");
  await clearAway(pair, victim);
});

scenario(
  stage,
  "one guest: Ctrl-C before the commit cancels and leaves the destination clean",
  async (pair) => {
    const { alpha, beta } = pair;
    await stage.server(beta);
    const victim = await stage.victim(alpha, "rewriter --size 16");
    using run = await startMigration(alpha, beta, victim);
    await run.event("iteration-end", { iteration: 1 });
    await run.process.kill(2, "process");
    const ended = await finish(run);
    expectCode(ended, EXIT.cancelled);
    assertEquals(lastEvent(ended, "failed")?.whereabouts, "source");
    await expectRunsOn(pair, victim, "alpha");
    await clearAway(pair, victim);
  },
);

scenario(
  stage,
  "one guest: a job of a shell moves with --shell-job, and is refused without",
  async (pair) => {
    const { alpha, beta, witness } = pair;
    await stage.server(beta);
    const pids = "echo 31000 >/proc/sys/kernel/ns_last_pid";
    const job =
      "/lab/bin/piggie --size 4 --name job --port 7900 --witness </dev/null &>/dev/null & echo $!";
    const { stdout } = await alpha.run(`${pids}; ${job}`);
    const victim = { pid: Number(stdout), port: 7900, name: "job" };
    await witness.waitForTicks(victim.name, "alpha", TICKS);
    expectCode(await migrate(alpha, beta, victim), EXIT.terminalJob);
    expectCode(await migrate(alpha, beta, victim, { args: "--shell-job" }), 0);
    await expectRunsOn(pair, victim, "alpha", "beta");
    await beta.run(`kill -9 ${victim.pid}`);
  },
);

/** Goes on in the background until there was something to signal: the stage comes just before it. */
const soon = (signal: string, pattern: string) =>
  `(until pkill -${signal} ${pattern}; do sleep 0.02; done) &>/dev/null &`;

/**
 * Who is killed, how (by a hook of the same side), and at which stages of pre-copy: what comes after that
 * is for the drill.
 */
const KILLS = {
  "criu": {
    side: "source",
    kill: "pkill -9 -x criu",
    stages: ["iteration-begin2", "iteration-end1"],
  },
  "phaul": {
    side: "source",
    kill: "kill -9 $PPID",
    stages: ["iteration-begin2", "iteration-end1"],
  },
  "the restoring criu": {
    side: "destination",
    kill: soon("9", "-f 'restore --rpc'"),
    stages: ["iteration-begin2"],
  },
  "the receiving phaul": {
    side: "destination",
    kill: "kill -9 $PPID",
    stages: ["iteration-begin2"],
  },
} as const;

for (const [who, { side, kill, stages }] of Object.entries(KILLS)) {
  for (const at of stages) {
    scenario(
      stage,
      `one guest: ${who} on the ${side} is killed at ${at}, one copy runs on`,
      async (pair) => {
        const { alpha, beta } = pair;
        const hook = `[ "$PHAUL_STAGE$PHAUL_ITERATION" = ${at} ] && ${kill}; true`;
        const options: RunOptions = { hook, args: IMPATIENT };
        await stage.freshServer(beta, side === "destination" ? options : { args: IMPATIENT });
        const victim = await stage.victim(alpha, "rewriter --size 8");
        const run = await migrate(
          alpha,
          beta,
          victim,
          side === "source" ? options : { args: IMPATIENT },
        );
        assert(run.code !== 0, `it succeeded though ${who} was to be killed`);
        if (who !== "phaul") {
          assertEquals(lastEvent(run, "failed")?.whereabouts, "source", run.said);
        }
        await expectRunsOn(pair, victim, "alpha");
        await endVictim(alpha, victim);
        await stage.endServer(beta);
        await endVictim(beta, victim);
        await beta.run("rm -rf /dev/shm/phaul; pkill -9 criu; true");
        await alpha.run("rm -rf /dev/shm/phaul; true");
      },
    );
  }
}

for (const at of ["prepared", "committed"]) {
  scenario(
    stage,
    `one guest: the fault server is killed at ${at}, the tree has all its memory`,
    async (pair) => {
      const { alpha, beta } = pair;
      const hook = `[ "$PHAUL_STAGE$PHAUL_ITERATION" = ${at} ] && pkill -9 -f fault-server; true`;
      await stage.freshServer(beta, { hook });
      const victim = await stage.victim(alpha, "rewriter --size 32");
      expectCode(await migrate(alpha, beta, victim), 0);
      await expectRunsOn(pair, victim, "alpha", "beta");
      await clearAway(pair, victim);
    },
  );
}

/** What stands still, without dying: nobody tells phaul, only time does. */
const STANDSTILLS = {
  "the pre-dump": { side: "source", at: "iteration-begin2", pattern: "-f 'pre-dump --rpc'" },
  "the final dump": { side: "source", at: "iteration-begin1", pattern: "-f 'dump --rpc'" },
  "the restore": { side: "destination", at: "iteration-begin1", pattern: "-f 'restore --rpc'" },
} as const;

for (const [what, { side, at, pattern }] of Object.entries(STANDSTILLS)) {
  scenario(
    stage,
    `one guest: ${what} stands still, the watchdog gives up, one copy runs on`,
    async (pair) => {
      const { alpha, beta } = pair;
      const mode = what === "the pre-dump" ? "" : "--mode stop-and-copy";
      const hook = `[ "$PHAUL_STAGE$PHAUL_ITERATION" != ${at} ] || { ${soon("STOP", pattern)} }`;
      const args = "--stall-timeout 4 --step-timeout 8";
      await stage.freshServer(beta, { args, ...(side === "destination" ? { hook } : {}) });
      const victim = await stage.victim(alpha, "rewriter --size 16");
      const run = await migrate(alpha, beta, victim, {
        args: `${args} ${mode}`,
        ...(side === "source" ? { hook } : {}),
      });
      const expected = what === "the restore" ? [EXIT.peerSilent, EXIT.stalled] : [EXIT.stalled];
      assert(expected.includes(run.code), `exit code ${run.code}: ${run.said}`);
      assertEquals(lastEvent(run, "failed")?.whereabouts, "source", run.said);
      await expectRunsOn(pair, victim, "alpha");
      await clearAway(pair, victim);
    },
  );
}
