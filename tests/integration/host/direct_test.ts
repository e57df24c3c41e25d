/** Pages that CRIU sends itself, past phaul. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { until } from "./waiting.ts";
import { expectCode, World } from "./world.ts";

const PORT = 7285;
const SERVE = ["--direct-port", String(PORT)];
const DIRECT = ["--channel", "direct"];
const EXIT = { unfit: 30, peerSilent: 41, peerLost: 42, cancelled: 55 };

for (const restore of ["lazy", "eager"]) {
  Deno.test(`migrate --channel direct --restore ${restore}: all memory arrives`, async () => {
    await using world = await World.make();
    const victim = await world.victim({ kind: "sweep", pages: 4096 });
    const server = await world.serve({ args: SERVE });
    await world.migrate(victim, { args: [...DIRECT, "--restore", restore] });
    await victim.countsOn();
    await server.event("drained");
    await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  });
}

Deno.test("migrate --channel direct: a destination that does not take pages so is named", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  await world.serve();
  const run = await world.startMigration(victim, { args: DIRECT });
  await expectCode(run, EXIT.unfit);
  assertStringIncludes(await run.said(), "--direct-port");
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

for (const stage of ["iteration-begin", "frozen"]) {
  Deno.test(`migrate --channel direct: a destination that dies (${stage}) leaves the process here`, async () => {
    await using world = await World.make();
    const victim = await world.victim();
    const server = await world.serve({ args: SERVE });
    await world.alpha.hook.hold(stage);
    const run = await world.startMigration(victim, { args: DIRECT });
    await world.alpha.hook.reached(stage);
    await server.kill();
    await world.alpha.hook.release(stage);
    await expectCode(run, EXIT.peerLost);
    await world.expectOnly(victim, world.alpha, "alpha");
    await world.clean(world.alpha);
  });
}

/** Nearly 800 MB: long enough on the way for something to happen meanwhile. */
const MANY_PAGES = 200_000;

for (const end of ["STOP", "KILL"] as const) {
  Deno.test(`migrate --channel direct: a destination that gets SIG${end} amid the pages is given up`, async () => {
    await using world = await World.make();
    const victim = await world.victim({ pages: MANY_PAGES });
    const server = await world.serve({ args: SERVE });
    const run = await world.startMigration(victim, { args: [...DIRECT, "--peer-timeout", "2"] });
    await run.event("progress");
    await server.signal(end);
    await expectCode(run, end === "STOP" ? EXIT.peerSilent : EXIT.peerLost);
    await world.expectOnly(victim, world.alpha, "alpha");
    await world.clean(world.alpha);
    if (end === "STOP") await server.signal("CONT");
  });
}

Deno.test("migrate --channel direct: Ctrl-C amid the pages leaves the process here", async () => {
  await using world = await World.make();
  const victim = await world.victim({ pages: MANY_PAGES });
  await world.serve({ args: SERVE });
  const run = await world.startMigration(victim, { args: DIRECT });
  await run.event("progress");
  await run.signal("INT");
  await expectCode(run, EXIT.cancelled);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("serve --direct-port: strangers are sent away, and a migration goes on beside them", async () => {
  await using world = await World.make();
  const victim = await world.victim();
  const server = await world.serve({ args: SERVE });
  await world.alpha.hook.hold("iteration-begin");
  const run = await world.startMigration(victim, { args: DIRECT });
  await world.alpha.hook.reached("iteration-begin");
  const knock = `exec 3<>/dev/tcp/${world.beta.address}/${PORT}; head -c 32 /dev/zero >&3; cat <&3`;
  assertEquals(await world.alpha.host.run("bash", "-c", knock), "");
  await until(
    "it is told",
    async () =>
      (await server.events()).some(({ event, message }) =>
        event === "warning" && String(message).includes("its ticket is unknown")
      ),
  );
  await world.alpha.hook.release("iteration-begin");
  await expectCode(run, 0);
  await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
});
