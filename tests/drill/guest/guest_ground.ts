/** A ground in guests: one that holds both hosts, or two machines. */

import type { Host } from "../../../vm/host.ts";
import { bootLane } from "../../../vm/lane.ts";
import { bootMachines, type Pair } from "../../../vm/pair.ts";
import { type DrillHost, type DrillRun, type Ground, isAlive, type Workload } from "../ground.ts";
import { drillPrograms } from "../host/programs.ts";
import { GuestHost } from "./guest_host.ts";
import { type GuestRun, startPhaul } from "./guest_run.ts";

const TOKEN = "/var/lib/phaul-token";
const FIRST_PORT = 7100;
const TICKS = 10;
/** Ample for emulated machines; long enough that a slow step is not taken for a dead peer. */
const DEADLINES = [
  ...["--connect-timeout", "15", "--step-timeout", "30"],
  ...["--peer-timeout", "8", "--stall-timeout", "8"],
];
const COMMIT_DEADLINE = ["--commit-timeout", "12"];
const WORKLOADS = ["piggie --size 4", "rewriter --size 8", "tree"] as const;

/** Boots a pair of guests, or one guest that holds both hosts. Disposing of it ends them. */
export async function guestGround(kind: Pair["kind"]): Promise<Ground> {
  const stopper = await Deno.readFile((await drillPrograms()).stopper);
  await using owned = new AsyncDisposableStack();
  const pair = owned.use(await (kind === "machines" ? bootMachines() : bootLane()));
  const ground = new GuestGround(pair, stopper, owned.move());
  await ground.prepare(pair.alpha);
  await ground.prepare(pair.beta);
  return ground;
}

class GuestGround implements Ground {
  readonly alpha: GuestHost;
  readonly beta: GuestHost;
  readonly runs: GuestRun[] = [];
  readonly #pair: Pair;
  readonly #stopper: Uint8Array;
  readonly #owned: AsyncDisposableStack;
  #server: GuestRun | undefined;
  #port = FIRST_PORT;

  constructor(pair: Pair, stopper: Uint8Array, owned: AsyncDisposableStack) {
    this.alpha = new GuestHost(pair.alpha);
    this.beta = new GuestHost(pair.beta);
    this.#pair = pair;
    this.#stopper = stopper;
    this.#owned = owned;
  }

  /** Puts the drill's files on a host that was booted. */
  async prepare(host: Host): Promise<void> {
    await this.#of(host).prepare(this.#stopper);
  }

  async startWorkload(random: () => number): Promise<Workload> {
    const { alpha, beta, witness } = this.#pair;
    const command = WORKLOADS[Math.floor(random() * WORKLOADS.length)] ?? "tree";
    const port = this.#port++;
    const name = `w${port}`;
    const mark = `--name ${name} `;
    const victim = await alpha.victim(`${command} ${mark}--port ${port}`);
    await witness.waitForTicks(name, alpha.name, TICKS);
    return {
      pid: victim.pid,
      mark,
      ticks: () => witness.ticks(name),
      damage: async (runsOn) => {
        if (runsOn === undefined) return undefined;
        const answer = await (runsOn === alpha.name ? alpha : beta).ask(victim, "verify");
        return answer.ok === true ? undefined : `it is damaged: ${JSON.stringify(answer)}`;
      },
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
    return run;
  }

  async startServer() {
    const run = await this.#phaul(this.#pair.beta, ["serve", ...DEADLINES]);
    this.#server = run;
    return { run, ready: run.event("listening") };
  }

  async migrate(pid: number): Promise<DrillRun> {
    const what = ["migrate", "--pid", String(pid), "--peer", this.#pair.beta.address];
    const how = ["--token-file", TOKEN, "--max-iters", "3", ...DEADLINES, ...COMMIT_DEADLINE];
    return await this.#phaul(this.#pair.alpha, [...what, ...how]);
  }

  async recover(on: DrillHost, ...args: readonly string[]): Promise<DrillRun> {
    const { alpha, beta } = this.#pair;
    const host = on.name === alpha.name ? alpha : beta;
    return await this.#phaul(host, ["recover", ...args, ...DEADLINES, ...COMMIT_DEADLINE]);
  }

  plan(): Promise<void> {
    return Promise.reject(new Error("Cannot have a proxy in a guest"));
  }

  planDone(): Promise<string> {
    return Promise.resolve("");
  }

  async link(state: "up" | "down"): Promise<void> {
    await (state === "up" ? this.#pair.link.mend() : this.#pair.link.cut());
  }

  async reset(host: DrillHost): Promise<void> {
    const { alpha, beta } = this.#pair;
    const machine = host.name === alpha.name ? alpha : beta;
    await machine.reset();
    for (const run of this.runs) if (run.isOn(machine)) run.lose();
    await this.prepare(machine);
  }

  async clear(): Promise<void> {
    for (const host of [this.alpha, this.beta]) {
      const all = await host.processes();
      const workloads = all.filter(({ command }) => command.includes("/lab/bin/"));
      await host.run("kill", "-KILL", ...workloads.map(({ pid }) => String(pid)));
      await host.forgetStop();
    }
    this.runs.length = 0;
    // It serves the next row too.
    if (this.#server && await isAlive(this.#server)) this.runs.push(this.#server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }

  #of(host: Host): GuestHost {
    return host === this.#pair.alpha ? this.alpha : this.beta;
  }

  async #phaul(host: Host, [command = "", ...rest]: readonly string[]): Promise<GuestRun> {
    const where = this.#of(host);
    const hook = command === "recover" ? [] : ["--hook", where.hook];
    const places = ["--state-dir", where.stateDir, "--work-dir", where.workDir];
    const run = await startPhaul(host, where, [command, "--json", ...places, ...hook, ...rest]);
    this.runs.push(run);
    return run;
  }

  /** On the disk, for a source that is reset needs it again. */
  async #shareToken(): Promise<void> {
    const { alpha, beta } = this.#pair;
    const token = await beta.readFile(`${this.beta.stateDir}/join-token`);
    await alpha.writeFile(TOKEN, token, 0o600);
    await Promise.all([alpha.run("sync"), beta.run("sync")]);
  }
}
