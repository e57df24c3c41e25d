/** Where programs move: between two virtual machines, or two hosts of namespaces on this one. */

import { hostCriu } from "../../tools/host_criu.ts";
import { bootMachines } from "../../vm/pair.ts";
import { migrate, type PhaulEvent, serve, shareToken } from "../../vm/phaul.ts";
import { type Side, World } from "../integration/host/world.ts";
import type { Machine } from "./moving_ground.ts";

/** Two machines and the way from the first to the second. Its owner disposes of it. */
export interface Place extends AsyncDisposable {
  readonly alpha: Machine;
  readonly beta: Machine;
  /** Runs `phaul migrate` to its end. */
  migrate(pid: number, flags: readonly string[]): Promise<{
    readonly code: number;
    readonly events: readonly PhaulEvent[];
    readonly said: string;
  }>;
}

/** Emulated machines on a busy one take long to answer; both sides get these. */
const PATIENCE = [
  ...["--connect-timeout", "90", "--peer-timeout", "90"],
  ...["--step-timeout", "300", "--stall-timeout", "120"],
];
const ALLOWED = ["--allow-path", "/srv"];

/** Two virtual machines that have those packages besides. */
export async function machines(programs: readonly string[]): Promise<Place> {
  await using owned = new AsyncDisposableStack();
  const { alpha, beta } = owned.use(await bootMachines({ programs }));
  owned.use(await serve(beta, { args: [...ALLOWED, ...PATIENCE].join(" ") }));
  await shareToken(alpha, beta);
  const kept = owned.move();
  return {
    ...{ alpha, beta },
    migrate: (pid, flags) =>
      migrate(alpha, beta, { pid }, { args: [...flags, ...PATIENCE].join(" ") }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Two hosts of namespaces here, each with places of its own for what programs write. */
export async function here(): Promise<Place> {
  await using owned = new AsyncDisposableStack();
  // The newest there is: older ones do not know the sockets of new kernels.
  const criu = ["--criu", await hostCriu({ suite: "sid" })];
  const world = owned.use(await World.make());
  for (const { host } of [world.alpha, world.beta]) {
    for (const dir of ["/srv", "/dev/shm"]) {
      await host.run("mount", "-t", "tmpfs", "-o", "mode=1777", "own", dir);
    }
    await host.run("chmod", "755", "/srv");
    // Two machines number their terminals for themselves.
    await host.run("mount", "-t", "devpts", "-o", "newinstance,ptmxmode=666", "own", "/dev/pts");
  }
  await world.serve({ args: [...criu, ...ALLOWED] });
  const kept = owned.move();
  return {
    ...{ alpha: machineOf(world.alpha), beta: machineOf(world.beta) },
    async migrate(pid, flags) {
      const run = await world.startMigration({ pid }, { args: [...criu, ...flags] });
      const code = await run.code;
      return { code, events: await run.events(), said: await run.said() };
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function machineOf({ host, address }: Side): Machine {
  return {
    ...{ name: host.name, address },
    async run(command, { mayFail = false } = {}) {
      const outcome = await host.try("bash", "-c", command);
      if (outcome.code === 0 || mayFail) return outcome;
      const words = (outcome.stderr || outcome.stdout).trim().slice(-2000);
      throw new Error(`"${command}" on ${host.name} exited with ${outcome.code}: ${words}`);
    },
    async writeFile(path, text) {
      await host.run("bash", "-c", 'mkdir -p "${1%/*}" && printf %s "$2" >"$1"', "-", path, text);
    },
  };
}
