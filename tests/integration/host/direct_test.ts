/** Pages that CRIU sends itself, past phaul. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { until } from "./waiting.ts";
import { expectCode, World } from "./world.ts";

const PORT = 7285;
const SERVE = ["--direct-port", String(PORT)];
const DIRECT = ["--channel", "direct"];
const EXIT = { unfit: 30, peerLost: 42 };

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
