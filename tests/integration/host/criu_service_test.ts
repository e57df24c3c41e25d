/**
 * A running `criu service` that dumps, instead of a criu of phaul's own. It is Debian sid's: that of
 * trixie never ends a dump in a service on this kernel, whoever asks it.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hostCriu } from "../../../tools/host_criu.ts";
import { until } from "./waiting.ts";
import { expectCode, World } from "./world.ts";

/** A service on alpha, and how a migration, and a destination, is told of it. */
interface Service {
  readonly migrate: readonly string[];
  readonly serve: readonly string[];
  readonly pid: number;
  readonly socket: string;
}

/** Starts it; it ends with the world. */
async function startService(world: World): Promise<Service> {
  const criu = await hostCriu({ suite: "sid" });
  const { host } = world.alpha;
  const socket = `${host.dir}/criu.socket`;
  const log = `${host.dir}/service.log`;
  const { pid } = await host.start([criu, "service", "--address", socket, "-o", log]);
  await until("the service listens", async () => (await host.try("test", "-S", socket)).code === 0);
  const serve = ["--criu", criu];
  return { migrate: [...serve, "--criu-service", socket], serve, pid, socket };
}

for (const [kind, restore] of [["tree", "lazy"], ["counter", "eager"]] as const) {
  Deno.test(`migrate --criu-service --restore ${restore}: all memory of a ${kind} arrives`, async () => {
    await using world = await World.make();
    const victim = await world.victim({ kind, pages: 4096 });
    const service = await startService(world);
    await world.serve({ args: service.serve });
    const args = [...service.migrate, "--restore", restore];
    const run = await world.migrate(victim, { args });
    assertStringIncludes(await run.said(), "through files in the work dir");
    await world.expectOnlyAndClean(victim, world.beta, "alpha", "beta");
  });
}

/** A migration by a service that stands at `stage`; with what it takes to go on. */
async function startedUntil(stage: string, world: World) {
  const victim = await world.victim();
  const service = await startService(world);
  await world.serve({ args: service.serve });
  const { host, hook } = world.alpha;
  await hook.hold(stage);
  const run = await world.startMigration(victim, { args: service.migrate });
  await hook.reached(stage);
  const signalWorkers = async (name: "KILL" | "STOP") => {
    const workers = (await host.processes()).filter(({ pid, command }) =>
      command.includes("service --address") && pid !== service.pid
    );
    assert(workers.length > 0);
    for (const { pid } of workers) await host.signal(pid, name);
  };
  return { victim, run, signalWorkers, release: () => hook.release(stage) };
}

for (const stage of ["frozen", "prepared"]) {
  Deno.test(`migrate --criu-service: killed at ${stage}, leaves its process running`, async () => {
    await using world = await World.make();
    const { victim, run, release } = await startedUntil(stage, world);
    await run.kill();
    await release();
    await world.expectOnly(victim, world.alpha, "alpha");
  });
}

Deno.test("migrate --criu-service: a worker that dies over the frozen tree leaves it running", async () => {
  await using world = await World.make();
  const { victim, run, signalWorkers, release } = await startedUntil("frozen", world);
  await signalWorkers("KILL");
  await release();
  await expectCode(run, 50);
  await world.expectOnlyAndClean(victim, world.alpha, "alpha");
});

Deno.test("recover: ends a service's worker that holds the tree for a phaul that was killed", async () => {
  await using world = await World.make();
  const { victim, run, signalWorkers, release } = await startedUntil("frozen", world);
  // A worker that stands still notices nothing, as one amid a dump that never ends.
  await signalWorkers("STOP");
  await run.kill();
  await release();
  await expectCode(await world.recover(world.alpha), 0);
  await world.expectOnly(victim, world.alpha, "alpha");
});

Deno.test("check, version: by a service's criu; a socket of nobody is named", async () => {
  await using world = await World.make();
  const asked = async (command: string, socket: string) => {
    const run = await world.phaul(world.alpha, [command, "--criu-service", socket, "--json"]);
    await run.code;
    return JSON.stringify(await run.events());
  };
  assertStringIncludes(await asked("version", "/nowhere"), "nobody listens there");
  const { socket } = await startService(world);
  assertStringIncludes(await asked("version", socket), socket);
  const report = JSON.parse(await asked("check", socket)).at(-1);
  assertEquals([report.event, report.source.criuVersion.startsWith("4.")], ["report", true]);
});
