/** Between two virtual machines: what phaul is for, and what happens when a machine or the link dies. */

import { assert, assertEquals } from "@std/assert";
import { expectCode, finish, lastEvent, migrate, startMigration } from "../phaul.ts";
import { clearAway, expectRunsOn, preDumps, scenario, Stage, untilClean } from "./shared.ts";

const EXIT = { peerSilent: 41 };
/** A dead peer is found sooner; emulated machines need their time, so not too soon. */
const IMPATIENT = "--peer-timeout 6 --connect-timeout 5";

const stage = new Stage();
Deno.test.beforeAll(() => stage.boot("machines"));
Deno.test.afterAll(() => stage.end());

scenario(stage, "two machines: piggie of 16 MB moves and counts on", async (pair) => {
  const { alpha, beta } = pair;
  await stage.server(beta);
  const victim = await stage.victim(alpha, "piggie --size 16");
  const run = await migrate(alpha, beta, victim);
  expectCode(run, 0);
  await expectRunsOn(pair, victim, "alpha", "beta");
  assertEquals(await alpha.hasProcess(victim.pid), false);
  await clearAway(pair, victim);
});

scenario(
  stage,
  "two machines: a tree keeps its pipes, threads, stopped task and zombie",
  async (pair) => {
    const { alpha, beta } = pair;
    await stage.server(beta);
    const victim = await stage.victim(alpha, "tree");
    expectCode(await migrate(alpha, beta, victim), 0);
    await expectRunsOn(pair, victim, "alpha", "beta");
    await clearAway(pair, victim);
  },
);

scenario(stage, "two machines: there and back again", async (pair) => {
  const { alpha, beta } = pair;
  await stage.server(alpha);
  await stage.server(beta);
  const victim = await stage.victim(alpha, "piggie --size 8");
  expectCode(await migrate(alpha, beta, victim), 0);
  await expectRunsOn(pair, victim, "alpha", "beta");
  expectCode(await migrate(beta, alpha, victim), 0);
  await expectRunsOn(pair, victim, "alpha", "beta", "alpha");
  await clearAway(pair, victim);
});

scenario(
  stage,
  "two machines: 256 MB that are rewritten arrive whole, ever less by each pre-dump",
  async (pair) => {
    const { alpha, beta } = pair;
    await stage.freshServer(beta);
    const victim = await stage.victim(alpha, "rewriter --size 256 --hot 5");
    const run = await migrate(alpha, beta, victim, { args: "--max-iters 3" });
    expectCode(run, 0);
    const pages = preDumps(run);
    assert(pages.length >= 2, `only ${pages.length} pre-dumps`);
    assert((pages.at(-1) ?? 0) < (pages[0] ?? 0), `pages written: ${pages.join(", ")}`);
    await expectRunsOn(pair, victim, "alpha", "beta");
    await clearAway(pair, victim);
  },
);

for (
  const { when, event, matches } of [
    { when: "in pre-copy", event: "iteration-begin", matches: { iteration: 2 } },
    { when: "in the final dump", event: "frozen", matches: {} },
  ]
) {
  // The hook holds the stage until the link is down, so that the cut never comes too late.
  const hook = `while [ -e /run/hold-$PHAUL_STAGE ]; do sleep 0.1; done`;

  scenario(stage, `two machines: the link is cut ${when}, the source runs on`, async (pair) => {
    const { alpha, beta, link } = pair;
    await stage.freshServer(beta, { args: IMPATIENT });
    const victim = await stage.victim(alpha, "rewriter --size 16");
    using run = await startMigration(alpha, beta, victim, { hook, args: IMPATIENT });
    await alpha.run(`touch /run/hold-frozen`);
    await run.event(event, matches);
    await link.cut();
    await alpha.run("rm -f /run/hold-frozen");
    const ended = await finish(run);
    await link.mend();
    expectCode(ended, EXIT.peerSilent);
    assertEquals(lastEvent(ended, "failed")?.whereabouts, "source");
    await expectRunsOn(pair, victim, "alpha");
    await clearAway(pair, victim);
  });

  scenario(
    stage,
    `two machines: the destination dies ${when}, the source runs on`,
    async (pair) => {
      const { alpha, beta } = pair;
      await stage.freshServer(beta);
      const victim = await stage.victim(alpha, "rewriter --size 16");
      await alpha.run(`touch /run/hold-frozen`);
      using run = await startMigration(alpha, beta, victim, { hook, args: IMPATIENT });
      await run.event(event, matches);
      await beta.reset();
      await alpha.run("rm -f /run/hold-frozen");
      const ended = await finish(run);
      assert(ended.code >= 40 && ended.code < 50, `exit code ${ended.code}: ${ended.said}`);
      assertEquals(lastEvent(ended, "failed")?.whereabouts, "source");
      await expectRunsOn(pair, victim, "alpha");
      await stage.endServer(beta);
      await clearAway(pair, victim);
    },
  );
}

scenario(
  stage,
  "two machines: a writer moves with its files, every byte of them, over iterations",
  async (pair) => {
    const { alpha, beta } = pair;
    await stage.freshServer(beta, { args: "--allow-path /srv" });
    const pids = "echo 32000 >/proc/sys/kernel/ns_last_pid";
    const start = "mkdir -p /srv/app && /lab/bin/writer /srv/app /run/writer";
    const wait = "until [ -s /run/writer.pid ]; do sleep 0.1; done; cat /run/writer.pid";
    const { stdout } = await alpha.run(`${pids}; ${start}; ${wait}`);
    const pid = Number(stdout);
    const run = await migrate(alpha, beta, { pid }, { args: "--max-iters 3 --fs tree:/srv/app" });
    expectCode(run, 0);
    const phases = run.events.filter(({ event }) => event === "files").map(({ phase }) => phase);
    assertEquals([phases[0], phases[1], phases.at(-1)], ["begin", "sync", "final"]);
    const ask = `kill -USR1 ${pid}; until [ -s /run/writer ]; do sleep 0.1; done; cat /run/writer`;
    const { stdout: verdict } = await beta.run(ask);
    assert(/^beta OK \d+\n$/.test(verdict), verdict);
    // The source's own files stay, as they were at the freeze.
    assertEquals((await alpha.run("ls /srv/app")).stdout.includes("data0"), true);
    await beta.run(`kill -9 ${pid}`);
    await untilClean(alpha);
    await untilClean(beta);
  },
);
