/** Two hosts on this machine, joined by a network, with phaul and a CRIU that works here. */

import { assert, assertEquals } from "@std/assert";
import { hostCriu } from "../../../tools/host_criu.ts";
import { build } from "../../../tools/build.ts";
import { ADDRESSES, connect, Host } from "./host.ts";
import { ServiceCgroup } from "./cgroup.ts";
import { Hook, PhaulRun } from "./phaul.ts";
import { Victim, type VictimOptions, victimStates } from "./victim.ts";
import { appears, until } from "./waiting.ts";

const PORT = 7284;

/** What every world needs, made once. */
let prepared: Promise<string> | undefined;

async function prepare(): Promise<string> {
  await build(false);
  return await hostCriu();
}

/** How `phaul migrate` or `phaul serve` is to be started. */
export interface RunOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A host with what phaul has there. */
export interface Side {
  readonly host: Host;
  readonly hook: Hook;
  readonly address: string;
  readonly stateDir: string;
  readonly workDir: string;
}

/** Alpha and beta. Disposing of it ends all that runs there and removes all files. */
export class World implements AsyncDisposable {
  readonly dir: string;
  readonly criu: string;
  readonly alpha: Side;
  readonly beta: Side;
  readonly #runs: PhaulRun[] = [];
  readonly #owned: AsyncDisposableStack;
  #victims = 0;

  private constructor(
    dir: string,
    criu: string,
    sides: readonly [Side, Side],
    owned: AsyncDisposableStack,
  ) {
    this.dir = dir;
    this.criu = criu;
    [this.alpha, this.beta] = sides;
    this.#owned = owned;
  }

  /** Makes both hosts and their network. */
  static async make(): Promise<World> {
    const criu = await (prepared ??= prepare());
    await using owned = new AsyncDisposableStack();
    const dir = await Deno.makeTempDir({ prefix: "phaul-host-" });
    owned.defer(() => Deno.remove(dir, { recursive: true }));
    const host = async (name: string, firstPid: number) =>
      owned.use(await Host.make({ name, firstPid, dir: `${dir}/${name}`, within: dir }));
    const alpha = await host("alpha", 10_000);
    const beta = await host("beta", 20_000);
    await connect(alpha, beta);
    const sides = [
      await makeSide(alpha, ADDRESSES[0]),
      await makeSide(beta, ADDRESSES[1]),
    ] as const;
    return new World(dir, criu, sides, owned.move());
  }

  /** Starts a victim on alpha, or where it is told. */
  async victim(options: VictimOptions = {}, side: Side = this.alpha): Promise<Victim> {
    return await Victim.start(side.host, `${this.dir}/victim-${++this.#victims}`, options);
  }

  /** Starts `phaul serve` on beta, or where it is told, and waits until it listens. */
  async serve(options: RunOptions = {}, side: Side = this.beta): Promise<PhaulRun> {
    const server = await this.phaul(
      side,
      ["serve", ...this.#flags(side, options)],
      options.env,
    );
    await server.event("listening");
    return server;
  }

  /** Starts `phaul migrate` from alpha to beta, or the other way round. */
  async startMigration(
    victim: { readonly pid: number },
    options: RunOptions = {},
    from: Side = this.alpha,
  ): Promise<PhaulRun> {
    const to = from === this.alpha ? this.beta : this.alpha;
    const what = ["--pid", String(victim.pid), "--peer", to.address];
    const token = options.args?.some((arg) => arg === "--token-file" || arg === "--insecure")
      ? []
      : ["--token-file", `${to.stateDir}/join-token`];
    const args = ["migrate", ...what, ...token, ...this.#flags(from, options)];
    return await this.phaul(from, args, options.env);
  }

  /** Migrates, which must succeed. */
  async migrate(victim: { readonly pid: number }, options?: RunOptions, from?: Side) {
    const run = await this.startMigration(victim, options, from);
    await expectCode(run, 0);
    return run;
  }

  /** Starts `phaul recover`. */
  async recover(side: Side, ...args: readonly string[]): Promise<PhaulRun> {
    const flags = ["--criu", this.criu, "--state-dir", side.stateDir, "--work-dir", side.workDir];
    return await this.phaul(side, ["recover", "--json", ...flags, ...args]);
  }

  /** The ids of all migrations that a side's journals tell of. */
  async journals(side: Side): Promise<string[]> {
    return (await side.host.try("ls", `${side.stateDir}/migrations`)).stdout.split("\n")
      .filter(Boolean);
  }

  /** Starts any phaul; it is ended with the world. */
  async phaul(
    side: Side,
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<PhaulRun> {
    const run = await PhaulRun.start(side.host, args, env);
    this.#runs.push(run);
    return run;
  }

  /** The pid that a program of a test writes to `path`. */
  async pidIn(path: string): Promise<number> {
    return Number(await appears(path));
  }

  /** Waits until a host has a process of that pid. */
  async hasProcess(side: Side, pid: number): Promise<void> {
    await until(
      `process ${pid} is there`,
      async () => (await side.host.processes()).some((process) => process.pid === pid),
    );
  }

  /** Puts a process of alpha into a cgroup that is named as systemd names those of services. */
  async serviceCgroup(pid: number): Promise<ServiceCgroup> {
    return await ServiceCgroup.make(this.alpha.host, pid);
  }

  /** Waits until nothing of any migration is left on a host: no image, no criu, no copy. */
  async clean(side: Side): Promise<void> {
    await until(`${side.host.name} is clean`, async () => await this.#leftOn(side) === "");
  }

  /** Fails unless exactly one copy runs, on that side, unstopped, and none on the other. */
  async expectOnly(victim: Victim, on: Side, ...stays: readonly string[]): Promise<void> {
    await victim.expectStays(...stays);
    const other = on === this.alpha ? this.beta : this.alpha;
    const running = (states: readonly string[]) => states.filter((state) => !/[TZ]/.test(state));
    assert(running(await victimStates(on.host)).length > 0, `none runs on ${on.host.name}`);
    assertEquals(running(await victimStates(other.host)), [], `one runs on ${other.host.name}`);
  }

  /** The same, with nothing left of the attempt on the other side either. */
  async expectOnlyAndClean(victim: Victim, on: Side, ...stays: readonly string[]): Promise<void> {
    await this.expectOnly(victim, on, ...stays);
    const other = on === this.alpha ? this.beta : this.alpha;
    await until("no copy is left", async () => (await victimStates(other.host)).length === 0);
    await this.clean(on);
    await this.clean(other);
  }

  /** Ends everything, after the runs' transitions were saved. */
  async [Symbol.asyncDispose](): Promise<void> {
    await using _owned = this.#owned;
    for (const run of this.#runs) await run.recordTransitions();
  }

  async #leftOn(side: Side): Promise<string> {
    // By the host itself, which may have something mounted there.
    const images = (await side.host.try("ls", "-A", side.workDir)).stdout.split("\n").filter(
      Boolean,
    );
    const criu = (await side.host.processes()).filter(({ command }) => command.includes("swrk"));
    return [...images, ...criu.map(({ command }) => command)].join(", ");
  }

  /** What every phaul is given, unless the test gives it something else. */
  #flags(side: Side, { args = [] }: RunOptions): string[] {
    const usual = [
      ["--criu", this.criu],
      ["--hook", side.hook.program],
      ["--state-dir", side.stateDir],
      ["--work-dir", side.workDir],
    ].filter(([flag = ""]) => !args.includes(flag));
    return ["--json", ...usual.flat(), ...args];
  }
}

/** Fails with what phaul said unless it exits with `code`. */
export async function expectCode(run: PhaulRun, code: number): Promise<void> {
  const got = await run.code;
  if (got === code) return;
  throw new Error(`phaul exited with ${got}, not ${code}; it said:\n${await run.said()}`);
}

/** The port on which `phaul serve` listens by itself. */
export { PORT };

async function makeSide(host: Host, address: string): Promise<Side> {
  const hook = await Hook.make(`${host.dir}/hook`);
  return { host, hook, address, stateDir: `${host.dir}/state`, workDir: `${host.dir}/work` };
}
