/** What phaul check says of real trees, against what a migration of them makes of it. */

import { assert, assertArrayIncludes, assertEquals } from "@std/assert";
import { BINARY } from "../../../tools/build.ts";
import { type Side, World } from "./world.ts";

/** Only root may, and it says nothing of a tree or a host that this test made. */
const OF_THIS_MACHINE = ["capability", "dirty-tracking", "lazy-pages", "own-namespace"];

interface Checked {
  readonly code: number;
  /** `severity code on`, without those that the machine of the test itself is found to have. */
  readonly found: readonly string[];
}

async function check(world: World, side: Side, args: readonly string[]): Promise<Checked> {
  const own = ["--criu", world.criu, "--state-dir", side.stateDir, "--work-dir", side.workDir];
  const command = [BINARY, "check", "--json", ...own, ...args];
  const { code, stdout, stderr } = await side.host.try(...command);
  const events = stdout.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(events.at(-1)?.event, "report", stderr);
  const findings = events.filter(({ event, code }) =>
    event === "finding" && !OF_THIS_MACHINE.includes(code)
  );
  return { code, found: findings.map(({ severity, code, on }) => `${severity} ${code} ${on}`) };
}

async function checkThere(world: World, pid: number, ...args: string[]): Promise<Checked> {
  const token = ["--token-file", `${world.beta.stateDir}/join-token`];
  const peer = ["--peer", world.beta.address, ...token];
  return await check(world, world.alpha, ["--pid", String(pid), ...peer, ...args]);
}

Deno.test("check: nothing is found of a tree that moves, and nothing is touched", async () => {
  await using world = await World.make();
  const victim = await world.victim({ kind: "tree" });
  await world.serve();
  const { found } = await checkThere(world, victim.pid);
  assertEquals(found, []);
  await victim.expectStays("alpha");
  await world.clean(world.beta);
  await world.migrate(victim);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("check: says before what a migration is refused for, and what lets it pass", async () => {
  await using world = await World.make();
  const victim = await world.victim({ job: true });
  await world.serve();
  const refused = await checkThere(world, victim.pid);
  // Its shell runs a script, which might be a loop.
  const supervised = "warning supervised source";
  assertEquals(refused, { code: 71, found: ["blocker terminal-job source", supervised] });
  const run = await world.startMigration(victim);
  assertEquals(await run.code, 23);
  const allowed = await checkThere(world, victim.pid, "--shell-job");
  assertEquals(allowed.found, [supervised]);
  await victim.expectStays("alpha");
});

Deno.test("check: a program that is missing or another there is told of, and --skip-check passes it", async () => {
  await using world = await World.make();
  const path = `${world.dir}/config`;
  await Deno.writeTextFile(path, "one");
  const pids = `${world.dir}/open.pid`;
  const script = `exec 5<${path}; echo $$ >${pids}.new; mv ${pids}.new ${pids}; exec sleep 1000`;
  await world.alpha.host.start(["setsid", "bash", "-c", script]);
  const pid = await world.pidIn(pids);
  await world.serve();
  // The same file on both hosts, which are namespaces of one machine: so it is mounted over on one.
  await Deno.writeTextFile(`${path}.other`, "another");
  await world.beta.host.run("mount", "--bind", `${path}.other`, path);
  const { code, found } = await checkThere(world, pid);
  assertEquals(code, 71);
  assertArrayIncludes(found, ["blocker file-differs destination"]);
  const run = await world.startMigration({ pid });
  assertEquals(await run.code, 32);
  assert((await run.said()).includes("has 7 bytes, not 3"), await run.said());
  const skipping = await world.startMigration({ pid }, { args: ["--skip-check", "file-differs"] });
  // CRIU itself looks at the size, and is right.
  assertEquals(await skipping.code, 52, await skipping.said());
  const said = await skipping.said();
  assert(said.includes("Warning: "), said);
  assert(said.includes("CRIU's log on the destination says:"), said);
  const log = /^The whole log: (\S+) on the destination$/m.exec(said)?.[1] ?? "";
  await world.beta.host.run("grep", "-q", "has bad size", log);
});

Deno.test("check: a host alone, without a tree or a peer", async () => {
  await using world = await World.make();
  const { code, found } = await check(world, world.alpha, []);
  assertEquals(found, []);
  assert([0, 70].includes(code));
});

Deno.test("plan: where no memory can be copied ahead it says so, and leaves all as it was", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  const token = ["--token-file", `${world.beta.stateDir}/join-token`];
  const side = world.alpha;
  const own = ["--criu", world.criu, "--state-dir", side.stateDir, "--work-dir", side.workDir];
  const args = ["--pid", String(victim.pid), "--peer", world.beta.address, ...token, ...own];
  const { code, stderr } = await side.host.try(BINARY, "plan", ...args);
  // A kernel that can plan on this host has it planned, which the scenarios try.
  assert(code === 13 || code === 0, stderr);
  if (code === 13) assert(stderr.includes("is on this host, as before"), stderr);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});
