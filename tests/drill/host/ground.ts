/** A ground on this machine: two hosts that are namespaces, and a witness in a third network. */

import { BINARY } from "../../../tools/build.ts";
import { LOCKED } from "../../../tools/process.ts";
import { Host } from "../../integration/host/host.ts";
import { PhaulRun } from "../../integration/host/phaul.ts";
import { Victim } from "../../integration/host/victim.ts";
import { until } from "../../integration/host/waiting.ts";
import { World } from "../../integration/host/world.ts";
import { type DrillHost, type DrillRun, type Ground, isAlive, type Workload } from "../ground.ts";
import type { Plan } from "../plan.ts";
import type { Row } from "../row.ts";
import { NamespaceHost } from "./drill_host.ts";
import { joinWitness, mountDisks, ON_WITNESS_NETWORK, WITNESS_ADDRESS } from "./networks.ts";
import { startKept } from "./program.ts";
import { drillPrograms, type Programs } from "./programs.ts";
import { HostWitness } from "./witness.ts";

/** The proxy inside the TLS, a program of its own; where it runs there is no network to fetch modules from. */
export const PROXY = new URL("../proxy.ts", import.meta.url).pathname;
const PROXY_PORT = 7285;
const PAGES = [16, 64, 512, 4096] as const;

/**
 * Short, for a drill waits for many a dead peer. Which one is over first on a busy machine changes how
 * a row ends, never whether it may end so.
 */
const DEADLINES = [
  ...["--connect-timeout", "3", "--step-timeout", "6"],
  ...["--peer-timeout", "3", "--stall-timeout", "3"],
];
/** All memory is missing, and takes some seconds to travel: a fault may come meanwhile. */
const POST_COPY = ["--mode", "post-copy", "--bandwidth", "32Mbit"];
const POST_COPY_PAGES = 4096;
const COMMIT_DEADLINE = ["--commit-timeout", "4"];

/** Makes a ground. Disposing of it ends everything there. */
export async function hostGround(): Promise<Ground> {
  const programs = await drillPrograms();
  await using owned = new AsyncDisposableStack();
  const world = owned.use(await World.make());
  const { alpha, beta } = world;
  const dir = `${world.dir}/outside`;
  const outside = owned.use(
    await Host.make({ name: "outside", firstPid: 30_000, dir, within: world.dir }),
  );
  await joinWitness(outside, [alpha.host, beta.host]);
  const seen = `${dir}/seen`;
  const intoFile = ["bash", "-c", `exec "$0" "$1" >"$2"`];
  await outside.start([...intoFile, programs.witness, WITNESS_ADDRESS, seen]);
  await until(
    "the witness listens",
    async () => (await outside.run("ss", "-lun")).includes(":9000"),
  );
  for (const side of [alpha, beta]) await mountDisks(side);
  const hosts = new Map([[ON_WITNESS_NETWORK.alpha, "alpha"], [ON_WITNESS_NETWORK.beta, "beta"]]);
  return new HostGround(world, new HostWitness(seen, hosts), programs, owned.move());
}

let workloads = 0;

class HostGround implements Ground {
  readonly alpha: NamespaceHost;
  readonly beta: NamespaceHost;
  readonly runs: PhaulRun[] = [];
  readonly #world: World;
  readonly #witness: HostWitness;
  readonly #programs: Programs;
  readonly #owned: AsyncDisposableStack;
  #server: PhaulRun | undefined;

  constructor(
    world: World,
    witness: HostWitness,
    programs: Programs,
    owned: AsyncDisposableStack,
  ) {
    this.alpha = new NamespaceHost(world.alpha);
    this.beta = new NamespaceHost(world.beta);
    this.#world = world;
    this.#witness = witness;
    this.#programs = programs;
    this.#owned = owned;
  }

  async startWorkload(random: () => number, mode?: Row["mode"]): Promise<Workload> {
    const name = `w${++workloads}`;
    const [pages, kind] = mode === "post-copy"
      ? [POST_COPY_PAGES, "sweep"] as const
      : [PAGES[Math.floor(random() * PAGES.length)], random() < 0.5 ? "counter" : "tree"] as const;
    const path = `${this.#world.dir}/numbers-${name}`;
    const witness = { name, address: WITNESS_ADDRESS };
    const victim = await Victim.start(this.#world.alpha.host, path, { kind, pages, witness });
    return {
      pid: victim.pid,
      mark: path,
      ticks: () => this.#witness.ticks(name),
      damage: () => victim.lines().then(() => undefined, (error) => String(error)),
    };
  }

  get lastServer(): DrillRun | undefined {
    return this.#server;
  }

  async server(): Promise<DrillRun> {
    if (this.#server && await isAlive(this.#server)) return this.#server;
    const first = this.#server === undefined;
    const { run, ready } = await this.startServer();
    await ready;
    if (first) await this.#shareToken();
    if (first) await this.#startProxy();
    return run;
  }

  async startServer() {
    const run = await this.#phaul(this.beta, ["serve", ...DEADLINES]);
    this.#server = run;
    return { run, ready: run.event("listening").then(() => {}) };
  }

  async migrate(
    pid: number,
    through: "server" | "proxy",
    mode?: Row["mode"],
  ): Promise<DrillRun> {
    const { address } = this.#world.beta;
    const peer = through === "server" ? address : `${address}:${PROXY_PORT}`;
    const what = ["migrate", "--pid", String(pid), "--peer", peer, "--token-file", this.#token];
    const how = mode === "post-copy" ? POST_COPY : [];
    return await this.#phaul(this.alpha, [...what, ...how, ...DEADLINES, ...COMMIT_DEADLINE]);
  }

  async recover(on: DrillHost, ...args: readonly string[]): Promise<DrillRun> {
    const host = on === this.alpha ? this.alpha : this.beta;
    return await this.#phaul(host, ["recover", ...args, ...DEADLINES, ...COMMIT_DEADLINE]);
  }

  async plan(plan: Plan): Promise<void> {
    await Deno.writeTextFile(this.#planFile, JSON.stringify(plan));
  }

  async planDone(): Promise<string> {
    return await Deno.readTextFile(`${this.#planFile}.done`).catch(() => "");
  }

  async link(state: "up" | "down"): Promise<void> {
    await this.#world.alpha.host.run("ip", "link", "set", "wire", state);
  }

  reset(): Promise<void> {
    return Promise.reject(new Error("Cannot reset a host that is no machine"));
  }

  async clear(): Promise<void> {
    for (const host of [this.alpha, this.beta]) {
      const all = await host.processes();
      const victims = all.filter(({ command }) => command.includes(`${this.#world.dir}/numbers-`));
      if (victims.length > 0) await host.run("kill", "-KILL", ...victims.map((v) => String(v.pid)));
      await host.forgetStop();
    }
    this.runs.length = 0;
    // It serves the next row too.
    if (this.#server && await isAlive(this.#server)) this.runs.push(this.#server);
    await Deno.remove(this.#planFile).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }

  get #planFile(): string {
    return `${this.#world.dir}/plan.json`;
  }

  /** The source's copy of the token. */
  get #token(): string {
    return `${this.#world.dir}/token`;
  }

  /** Starts any phaul with the directories of its host, ready to be stopped at an event. */
  async #phaul(host: NamespaceHost, [command = "", ...rest]: readonly string[]): Promise<PhaulRun> {
    const side = host === this.alpha ? this.#world.alpha : this.#world.beta;
    const env = { LD_PRELOAD: this.#programs.stopper, DRILL_STOP: host.stopFile };
    const places = ["--state-dir", host.stateDir, "--work-dir", host.workDir];
    const usual = ["--json", "--criu", this.#world.criu, ...places];
    const hook = command === "recover" ? [] : ["--hook", side.hook.program];
    const whole = [BINARY, command, ...usual, ...hook, ...rest];
    const run = PhaulRun.of(side.host, await startKept(side.host, whole, env));
    this.runs.push(run);
    return run;
  }

  async #shareToken(): Promise<void> {
    const text = await this.beta.run("cat", `${this.beta.stateDir}/join-token`);
    await Deno.writeTextFile(this.#token, text, { mode: 0o600 });
  }

  async #startProxy(): Promise<void> {
    const command = [Deno.execPath(), "run", "-A", "--quiet", ...LOCKED, PROXY];
    const args = [this.beta.stateDir, String(PROXY_PORT), this.#planFile];
    const started = await this.#world.beta.host.start([...command, ...args]);
    let ended = false;
    void started.status.then(() => ended = true);
    await until("the proxy listens", async () => {
      if (ended) throw new Error(`The proxy ended: ${await started.err()}`);
      return (await started.out()).includes("listening");
    });
  }
}
