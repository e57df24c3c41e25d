/** Between two machines that run systemd: services as victims, and serve under the shipped unit. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { SOURCE_CAPABILITIES, userTree } from "../capabilities.ts";
import type { Host, Victim } from "../host.ts";
import { endVictim, expectCode, lastEvent, migrate } from "../phaul.ts";
import { installUnits, startServeUnit, startService, unitProperty } from "../units.ts";
import { clearAway, expectRunsOn, scenario, Stage, TICKS } from "./shared.ts";

const EXIT = { supervised: 25, externalSocket: 29, hookFailed: 54 };
/** How memory travels is not the question here, and this way takes the least time. */
const QUICK = "--mode stop-and-copy";
const RELEASE = `${QUICK} --release-unit`;
/** What docs/security.md says that systemd-analyze says. */
const EXPOSURE = "3.2";

const stage = new Stage();
Deno.test.beforeAll(async () => {
  await stage.boot("machines", { init: "systemd" });
  await installUnits(stage.pair.beta);
  await startServeUnit(stage.pair.beta, stage.pair.alpha);
});
Deno.test.afterAll(() => stage.end());

scenario(stage, "systemd: it finds nothing wrong with the shipped units", async ({ beta }) => {
  const units = "/etc/systemd/system/phaul-*";
  const { stdout, stderr } = await beta.run(`systemd-analyze verify ${units}`);
  assertEquals(stdout + stderr, "");
  const { stdout: exposure } = await beta.run("systemd-analyze security phaul-serve.service");
  const [, figure] = /Overall exposure level for \S+: ([\d.]+) /.exec(exposure) ?? [];
  assertEquals(figure, EXPOSURE);
});

/** What a process inherits from whoever starts it, and does not lose by itself. */
async function inheritance(host: Host, pid: number | string): Promise<Record<string, string>> {
  const proc = `/proc/${pid}`;
  const { stdout } = await host.run(
    `echo cgroup "$(cat ${proc}/cgroup)"; echo mounts "$(readlink ${proc}/ns/mnt)"; ` +
      `echo oom "$(cat ${proc}/oom_score_adj)"; echo limits $(sed 1d ${proc}/limits); ` +
      `grep -E '^(Cap(Bnd|Prm|Eff|Inh|Amb)|NoNewPrivs|Seccomp|Seccomp_filters):' ${proc}/status`,
  );
  const words = stdout.trim().split("\n").map((line) => /^(\w+):?\s+(.*)$/.exec(line) ?? []);
  return Object.fromEntries(words.map(([, name = "", value = ""]) => [name, value]));
}

scenario(
  stage,
  "systemd: what serve restores lives outside of its unit, whatever becomes of that",
  async (pair) => {
    const { alpha, beta } = pair;
    const serve = await inheritance(beta, await unitProperty(beta, "phaul-serve", "MainPID"));
    const init = await inheritance(beta, 1);
    const victim = await stage.victim(alpha, "tree");
    const before = await inheritance(alpha, victim.pid);
    expectCode(await migrate(alpha, beta, victim, { args: QUICK }), 0);
    const after = await inheritance(beta, victim.pid);
    // What binds the unit is really there, and none of it binds the tree.
    assertStringIncludes(serve.cgroup ?? "", "phaul-serve.service");
    for (const what of ["mounts", "CapBnd", "NoNewPrivs", "Seccomp"] as const) {
      assert(serve[what] !== init[what], `${what}: ${serve[what]}`);
    }
    const { mounts } = init;
    assertEquals(after, { ...before, cgroup: "0::/", mounts: mounts ?? "" });
    await expectRunsOn(pair, victim, "alpha", "beta");
    await beta.run("systemctl restart phaul-serve");
    await expectRunsOn(pair, victim, "alpha", "beta");
    await beta.run("systemctl stop phaul-serve phaul-criu.socket 'phaul-criu@*'");
    await expectRunsOn(pair, victim, "alpha", "beta");
    await startServeUnit(beta, alpha);
    await clearAway(pair, victim);
  },
);

scenario(
  stage,
  "systemd: phaul migrate moves a user's tree with the documented capabilities and no others",
  async (pair) => {
    const { alpha, beta, witness } = pair;
    const victim = await userTree(pair, 30);
    await witness.waitForTicks(victim.name, "alpha", TICKS);
    const through = `setpriv --bounding-set=-all,+${SOURCE_CAPABILITIES.join(",+")}`;
    expectCode(await migrate(alpha, beta, victim, { through, args: "--max-iters 1" }), 0);
    await expectRunsOn(pair, victim, "alpha", "beta");
    await clearAway(pair, victim);
  },
);

scenario(
  stage,
  "systemd: a held tree that is in doubt stays stopped when serve's unit is stopped",
  async (pair) => {
    const { alpha, beta } = pair;
    const victim = await stage.victim(alpha, "piggie --size 4");
    const hook = `[ "$PHAUL_STAGE" != prepared ] || kill -9 $PPID`;
    const run = await migrate(alpha, beta, victim, { hook, args: QUICK });
    expectCode(run, 137);
    await beta.run("systemctl stop phaul-serve");
    const { stdout } = await beta.run(`grep ^State: /proc/${victim.pid}/status`);
    assertMatch(stdout, /T \(stopped\)/);
    await expectRunsOn(pair, victim, "alpha");
    await endVictim(beta, victim);
    for (const host of [alpha, beta]) await host.run("rm -rf /dev/shm/phaul");
    await startServeUnit(beta, alpha);
    await clearAway(pair, victim);
  },
);

/** The service's process moved for good: nothing of the unit is left, nothing comes again. */
async function expectGone(host: Host, victim: Victim): Promise<void> {
  assertEquals(await unitProperty(host, victim.name, "ActiveState"), "inactive");
  assertEquals(await unitProperty(host, victim.name, "NRestarts"), "0");
  assertEquals(await unitProperty(host, victim.name, "MainPID"), "0");
}

scenario(
  stage,
  "systemd: a service with Restart=always is refused, and moves after the remedy",
  async (pair) => {
    const { alpha, beta, witness } = pair;
    const victim = await startService(alpha, {
      ...{ name: "always", port: 7801 },
      lines: ["Restart=always", "RestartSec=0"],
    });
    await witness.waitForTicks(victim.name, "alpha", TICKS);
    const refused = await migrate(alpha, beta, victim);
    expectCode(refused, EXIT.supervised);
    assertStringIncludes(refused.said, "always.service with Restart=always");
    const remedy = /until the next boot: (.*)$/m.exec(refused.said)?.[1];
    await alpha.run(remedy ?? "false");
    expectCode(await migrate(alpha, beta, victim, { args: QUICK }), 0);
    await expectRunsOn(pair, victim, "alpha", "beta");
    assertEquals(await unitProperty(alpha, victim.name, "NRestarts"), "0");
    await clearAway(pair, victim);
  },
);

scenario(
  stage,
  "systemd: a service that writes to the journal is told so before anything is frozen",
  async ({ alpha, beta }) => {
    const lines = ["StandardOutput=journal"];
    const victim = await startService(alpha, { name: "journal", port: 7804, lines });
    expectCode(await migrate(alpha, beta, victim), EXIT.externalSocket);
    await alpha.run(`systemctl stop ${victim.name}`);
  },
);

scenario(
  stage,
  "systemd: --unit moves a service, and nothing starts a second copy or cleans up after it",
  async (pair) => {
    const { alpha, beta, witness } = pair;
    const ran = "/root/ran-after-it";
    const victim = await startService(alpha, {
      ...{ name: "released", port: 7802 },
      lines: [
        ...["Restart=always", "RestartSec=0", "RestartForceExitStatus=SIGKILL"],
        ...[`ExecStop=touch ${ran}`, `ExecStopPost=touch ${ran}`],
      ],
    });
    await witness.waitForTicks(victim.name, "alpha", TICKS);
    const which = `--unit ${victim.name}`;
    expectCode(await migrate(alpha, beta, victim, { which, args: QUICK }), 0);
    await expectRunsOn(pair, victim, "alpha", "beta");
    await expectGone(alpha, victim);
    await alpha.run(`! [ -e ${ran} ]`);
    // As a timer or a socket would.
    await alpha.run(`systemctl start ${victim.name}`);
    await expectGone(alpha, victim);
    await witness.assertExactlyOneCopy(victim.name, { hosts: ["alpha", "beta"] });
    await clearAway(pair, victim);
  },
);

scenario(
  stage,
  "systemd: a unit that was released for a migration that failed is as it was",
  async (pair) => {
    const { alpha, beta, witness } = pair;
    const victim = await startService(alpha, {
      ...{ name: "kept", port: 7803 },
      lines: ["Restart=always", "RestartSec=0"],
    });
    await witness.waitForTicks(victim.name, "alpha", TICKS);
    // The hook sees the released unit, and has the migration fail with it.
    const restart = "systemctl show -P Restart kept >/run/seen-restart";
    const hook = `[ "$PHAUL_STAGE" != prepared ] || { ${restart}; false; }`;
    const run = await migrate(alpha, beta, victim, { hook, args: RELEASE });
    expectCode(run, EXIT.hookFailed);
    assertEquals(lastEvent(run, "failed")?.whereabouts, "source");
    assertEquals((await alpha.run("cat /run/seen-restart")).stdout.trim(), "no");
    assertEquals(await unitProperty(alpha, victim.name, "Restart"), "always");
    assertEquals(await unitProperty(alpha, victim.name, "DropInPaths"), "");
    await expectRunsOn(pair, victim, "alpha");
    await alpha.run(`systemctl stop ${victim.name}`);
    await clearAway(pair, victim);
  },
);

scenario(
  stage,
  "systemd: phaul is killed while a unit is released: the service runs on, and recover gives it back",
  async (pair) => {
    const { alpha, beta, witness } = pair;
    const lines = ["Restart=always"];
    const victim = await startService(alpha, { name: "left", port: 7805, lines });
    await witness.waitForTicks(victim.name, "alpha", TICKS);
    const hook = `[ "$PHAUL_STAGE" != frozen ] || kill -9 $PPID`;
    expectCode(await migrate(alpha, beta, victim, { hook, args: RELEASE }), 137);
    await expectRunsOn(pair, victim, "alpha");
    assertEquals(await unitProperty(alpha, victim.name, "Restart"), "no");
    await alpha.run("phaul recover --state-dir /run/phaul-state");
    assertEquals(await unitProperty(alpha, victim.name, "Restart"), "always");
    await expectRunsOn(pair, victim, "alpha");
    await alpha.run(`systemctl stop ${victim.name}; rm -rf /dev/shm/phaul`);
    await clearAway(pair, victim);
  },
);
