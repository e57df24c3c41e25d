/** Sources that mean no good: each is refused, nothing of it is left, and the others go on. */

import { assert, assertEquals } from "@std/assert";
import { expectRefusal } from "./refusal.ts";
import { victimStates } from "./victim.ts";
import { until } from "./waiting.ts";
import { expectCode, World } from "./world.ts";

const SCRIPT = new URL("./hostile_source.ts", import.meta.url).pathname;
const HOSTILE = [Deno.execPath(), "run", "-A", "--quiet", SCRIPT];

/** What each trial comes to: the code that the destination gives. */
const OUTCOMES = {
  "image-above": "protocol",
  "image-nul": "protocol",
  "image-long": "protocol",
  "image-empty-name": "protocol",
  "image-size": "no-space",
  "image-digest": "protocol",
  "image-twice": "protocol",
  "image-over-pages": "protocol",
  "image-count": "protocol",
  "image-stall": "stalled",
  "images-never-sent": "stalled",
  "pages-garbage": "page-stream",
  "pages-cut": "peer-lost",
  "iteration-skipped": "protocol",
  "iteration-after-final": "protocol",
  "stop-before-start": "protocol",
  "prepare-at-once": "protocol",
  "commit-at-once": "protocol",
  "commit-of-another": "protocol",
  "abort-of-another": "protocol",
  "begin-twice": "protocol",
  "ticket-twice": "protocol",
  "ticket-of-another-kind": "protocol",
  "ticket-guessed": "protocol",
  "requests-at-once": "peer-lost",
  "number-again": "peer-lost",
  "flood-of-pings": "discarded",
  "half-a-frame": "peer-lost",
  "same-id": "protocol",
  "same-id-elsewhere": "protocol",
};

Deno.test("serve: a flood of connections that prove nothing locks no source out", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve({ args: ["--max-unproved", "8"] });
  // The flood comes from an address of its own, as any but the source's would.
  const { alpha, beta } = world;
  await alpha.host.run("ip", "address", "add", "10.78.0.1/24", "dev", "wire");
  await beta.host.run("ip", "address", "add", "10.78.0.2/24", "dev", "wire");
  const flood = await alpha.host.start([...HOSTILE, "flood", "10.78.0.2"]);
  await until("it floods", async () => (await flood.out()).includes("flooding"));
  await server.says("more than 8 peers");
  await world.migrate(victim);
  await world.expectOnly(victim, beta, "alpha", "beta");
  await alpha.host.signal(flood.pid, "KILL");
  const refusals = (await server.said()).split("\n").filter((line) => line.includes("Refused"));
  assert(refusals.length < 200, `${refusals.length} lines`);
  await world.expectOnlyAndClean(victim, beta, "alpha", "beta");
});

Deno.test("serve: beyond --max-migrations a source is told to wait, and let in afterwards", async () => {
  await using world = await World.make();
  const [first, second] = [await world.victim(), await world.victim()];
  await world.serve({ args: ["--max-migrations", "1"] });
  await world.alpha.hook.hold("frozen");
  const running = await world.startMigration(first);
  await world.alpha.hook.reached("frozen");
  const refused = await world.startMigration(second);
  await expectRefusal(refused, 34, "another migration", "--max-migrations");
  await second.expectStays("alpha");
  await world.alpha.hook.release("frozen");
  await expectCode(running, 0);
  await world.migrate(second);
  await first.expectStays("alpha", "beta");
  await second.expectStays("alpha", "beta");
});

Deno.test("serve: more bytes than it is to take are refused, with the flag that says so", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  for (const [flag, size] of [["--max-image-bytes", "64K"], ["--keep-free", "100000G"]] as const) {
    const server = await world.serve({ args: [flag, size] });
    await expectRefusal(await world.startMigration(victim), 15, "bytes of images", flag);
    await world.expectOnlyAndClean(victim, world.alpha, "alpha");
    await server.signal("TERM");
    await server.code;
  }
});

Deno.test("migrate: a tree that cannot fit is refused before anything is frozen", async () => {
  await using world = await World.make();
  const victim = await world.victim({ pages: 4096 });
  await world.serve({ args: ["--max-image-bytes", "8M"] });
  const run = await world.startMigration(victim);
  await expectRefusal(run, 15, "may bring", "--max-image-bytes");
  const events = (await run.events()).map(({ event }) => event);
  assertEquals(events.filter((event) => ["connected", "frozen"].includes(event)), []);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("serve: a source that lies, repeats, stalls or floods is refused, and nothing of it is left", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve({ args: ["--stall-timeout", "1", "--peer-timeout", "5"] });
  await world.alpha.hook.hold("frozen");
  const honest = await world.startMigration(victim);
  await world.alpha.hook.reached("frozen");
  const { migration } = await honest.event("frozen");
  const descriptors = async () =>
    (await world.beta.host.run("ls", `/proc/${server.pid}/fd`)).split("\n").length;
  const before = await descriptors();

  const token = `${world.beta.stateDir}/join-token`;
  const args = ["try", world.beta.address, token, String(migration)];
  const lines = (await world.alpha.host.run(...HOSTILE, ...args)).trim().split("\n");
  const outcomes = lines.map((line): { name: string; outcome: string } => JSON.parse(line));
  assertEquals(Object.fromEntries(outcomes.map(({ name, outcome }) => [name, outcome])), OUTCOMES);

  await until("no descriptor is left", async () => await descriptors() <= before);
  const { workDir } = world.beta;
  assertEquals(await world.beta.host.run("ls", workDir), `${migration}-destination\n`);
  assertEquals(await victimStates(world.beta.host), []);
  await world.alpha.hook.release("frozen");
  await expectCode(honest, 0);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  assert(!/\n +at /.test(await server.said()), await server.said());
});
