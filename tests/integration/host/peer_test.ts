/** Peers that are not reached, not trusted, not understood, or lost on the way. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { formatToken, readToken } from "../../../src/wire/mod.ts";
import { expectRefusal } from "./refusal.ts";
import { victimStates } from "./victim.ts";
import { expectCode, type Side, World } from "./world.ts";

const STRANGER = new URL("./stranger.ts", import.meta.url).pathname;
const DENO = [Deno.execPath(), "run", "-A", "--quiet", STRANGER];

/** Starts a stranger on beta's port of phaul. */
async function strangerServes(side: Side, kind: string): Promise<void> {
  const started = await side.host.start([...DENO, "serve", kind]);
  while (!(await started.out()).includes("listening")) await new Promise((r) => setTimeout(r, 20));
}

Deno.test("migrate: a peer that nobody answers for is unreachable", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const run = await world.startMigration(victim, { args: ["--insecure"] });
  await expectRefusal(run, 40, world.beta.address);
  await world.beta.host.run("ip", "link", "set", "wire", "down");
  const silent = ["--insecure", "--connect-timeout", "1"];
  await expectRefusal(await world.startMigration(victim, { args: silent }), 40, world.beta.address);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("migrate: a peer that accepts and says nothing is given up", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await strangerServes(world.beta, "silent");
  const args = ["--insecure", "--connect-timeout", "1"];
  await expectRefusal(await world.startMigration(victim, { args }), 41, world.beta.address);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("migrate: a peer of another version of the protocol is named as such", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await strangerServes(world.beta, "9");
  const run = await world.startMigration(victim, { args: ["--insecure"] });
  await expectRefusal(run, 46, "version 9", "Install the newer phaul here");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("migrate: a peer that is no phaul is named as such", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await strangerServes(world.beta, "http");
  const run = await world.startMigration(victim, { args: ["--insecure"] });
  await expectRefusal(run, 47, "no phaul", "port");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("migrate: one side alone with --insecure does not come through", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  const run = await world.startMigration(victim, { args: ["--insecure"] });
  assert(await run.code >= 40);
  assertStringIncludes(await run.said(), "--insecure");
  await server.event("warning");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("migrate: with --insecure on both sides it warns and moves", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve({ args: ["--insecure"] });
  const run = await world.migrate(victim, { args: ["--insecure"] });
  assertStringIncludes(await run.said(), "Warning: --insecure");
  assertStringIncludes(await server.said(), "Warning: --insecure");
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

Deno.test("migrate: a token that is missing, exposed, damaged or another's is refused", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  const right = await Deno.readTextFile(`${world.beta.stateDir}/join-token`);
  const token = await readToken(`${world.beta.stateDir}/join-token`);
  const other = formatToken({ ...token, secret: crypto.getRandomValues(new Uint8Array(32)) });
  const file = `${world.dir}/token`;
  const refused = async (reason: string) => {
    const run = await world.startMigration(victim, { args: ["--token-file", file] });
    await expectRefusal(run, 45, reason, "join-token");
  };
  await refused("no such file");
  await Deno.writeTextFile(file, right.slice(0, 100), { mode: 0o600 });
  await refused("damaged");
  await Deno.writeTextFile(file, other, { mode: 0o600 });
  await refused("secret");
  await Deno.writeTextFile(file, right, { mode: 0o600 });
  await Deno.chmod(file, 0o640);
  const run = await world.startMigration(victim, { args: ["--token-file", file] });
  await expectRefusal(run, 45, "other users", "chmod 600");
  await victim.expectStays("alpha");
  assertEquals((await server.events()).filter(({ event }) => event === "transition"), []);
});

Deno.test("migrate: an impostor with a certificate of its own learns nothing", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const right = await world.serve();
  const token = `${world.dir}/token`;
  await Deno.copyFile(`${world.beta.stateDir}/join-token`, token);
  await Deno.chmod(token, 0o600);
  await right.signal("TERM");
  await right.code;
  const impostor = await world.serve({ args: ["--state-dir", `${world.dir}/impostor`] });
  const run = await world.startMigration(victim, { args: ["--token-file", token] });
  await expectRefusal(run, 44, "certificate", "join-token");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
  assertEquals((await impostor.events()).filter(({ event }) => event === "transition"), []);
});

Deno.test("serve: goes on serving after garbage, oversized and truncated frames", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  const { address, stateDir } = world.beta;
  const args = ["throw", address, `${stateDir}/join-token`];
  assertStringIncludes(await world.alpha.host.run(...DENO, ...args), "thrown");
  await world.migrate(victim);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  assert(!/\n +at /.test(await server.said()), await server.said());
});

Deno.test("serve: a second COMMIT starts no second copy, and a late ABORT ends none", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  const run = await world.migrate(victim);
  const { migration } = await run.event("migrated");
  const answers = await ask(world, [
    { type: "commit", migrationId: migration, forced: false },
    { type: "abort", migrationId: migration, reason: "late", forced: false },
    { type: "commit", migrationId: migration, forced: false },
  ]);
  assertEquals(answers.map(({ type, code }) => type ?? code), ["running", "protocol", "running"]);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  assertEquals((await victimStates(world.beta.host)).length, 1);
});

Deno.test("serve: a COMMIT for what was given up or never heard of is refused", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve();
  await world.alpha.hook.hold("frozen");
  const run = await world.startMigration(victim);
  await world.alpha.hook.reached("frozen");
  const { migration } = await run.event("frozen");
  const early = await ask(world, [{ type: "commit", migrationId: migration, forced: false }]);
  assertEquals(early.map(({ code }) => code), ["protocol"]);
  await run.signal("INT");
  await run.says("SIGINT");
  await world.alpha.hook.release("frozen");
  await expectCode(run, 55);
  await server.event("aborted");
  const answers = await ask(world, [
    { type: "commit", migrationId: migration, forced: false },
    { type: "commit", migrationId: "0".repeat(32), forced: false },
    { type: "abort", migrationId: migration, reason: "again", forced: false },
  ]);
  assertEquals(answers[2]?.type, "discarded");
  for (const answer of answers.slice(0, 2)) {
    assert(answer.code !== undefined, JSON.stringify(answer));
  }
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

const IMPATIENT = ["--peer-timeout", "2", "--step-timeout", "5"];

Deno.test("migrate: a link that is cut before the commit leaves the process where it was", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve({ args: IMPATIENT });
  await world.alpha.hook.hold("frozen");
  const run = await world.startMigration(victim, { args: IMPATIENT });
  await world.alpha.hook.reached("frozen");
  await world.beta.host.run("ip", "link", "set", "wire", "down");
  await world.alpha.hook.release("frozen");
  assert([41, 42].includes(await run.code), await run.said());
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("migrate: a link that is cut at the commit and mended is waited for", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve({ args: IMPATIENT });
  await world.alpha.hook.hold("committed");
  const run = await world.startMigration(victim, { args: IMPATIENT });
  await world.alpha.hook.reached("committed");
  await world.beta.host.run("ip", "link", "set", "wire", "down");
  await world.alpha.hook.release("committed");
  await run.says("has not confirmed");
  assertEquals(await victimStates(world.alpha.host), []);
  assertEquals(await victimStates(world.beta.host), ["T"]);
  await world.beta.host.run("ip", "link", "set", "wire", "up");
  await expectCode(run, 0);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});

/** Asks beta's phaul as a source would that holds the token. */
async function ask(world: World, requests: readonly Record<string, unknown>[]) {
  const { address, stateDir } = world.beta;
  const args = [
    "ask",
    address,
    `${stateDir}/join-token`,
    ...requests.map((r) => JSON.stringify(r)),
  ];
  const lines = (await world.alpha.host.run(...DENO, ...args)).trim().split("\n");
  return lines.map((line): { type?: string; code?: string } => JSON.parse(line));
}
