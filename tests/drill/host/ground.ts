/** Where rows of this host take place: two hosts, a witness outside of them, and what phaul needs. */

import { BINARY } from "../../../tools/build.ts";
import { run } from "../../../tools/process.ts";
import { Host, type Started } from "../../integration/host/host.ts";
import { PhaulRun } from "../../integration/host/phaul.ts";
import { until } from "../../integration/host/waiting.ts";
import { type Side, World } from "../../integration/host/world.ts";
import { drillPrograms, type Programs } from "./programs.ts";
import { startKept } from "./program.ts";
import { HostWitness } from "./witness.ts";

/** Address of the witness on its network, and those of alpha and beta there. */
export const WITNESS_ADDRESS = "10.78.0.254";
const ON_WITNESS_NETWORK = { alpha: "10.78.0.1", beta: "10.78.0.2" } as const;
/** Small enough to be filled in no time. */
const DISKS = { state: "4m", work: "96m" } as const;
/** Where the proxy of the messages listens, on beta. */
export const PROXY_PORT = 7285;
const PROXY = new URL("../proxy.ts", import.meta.url).pathname;

/**
 * Short, for a drill waits for many a dead peer. Which one is over first on a busy machine changes how
 * a row ends, never whether it may end so.
 */
const DEADLINES = [
  ...["--connect-timeout", "3", "--step-timeout", "6"],
  ...["--peer-timeout", "3", "--stall-timeout", "3"],
];
const COMMIT_DEADLINE = ["--commit-timeout", "4"];

/** Two hosts of the drill. Disposing of it ends everything there. */
export class Ground implements AsyncDisposable {
  readonly world: World;
  readonly witness: HostWitness;
  /** Every phaul that was started here, the newest last. */
  readonly runs: PhaulRun[] = [];
  readonly #programs: Programs;
  readonly #owned: AsyncDisposableStack;
  #server: PhaulRun | undefined;

  private constructor(
    world: World,
    witness: HostWitness,
    programs: Programs,
    owned: AsyncDisposableStack,
  ) {
    this.world = world;
    this.witness = witness;
    this.#programs = programs;
    this.#owned = owned;
  }

  /** Makes the hosts, their networks and the witness. */
  static async make(): Promise<Ground> {
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
    await outside.start(["bash", "-c", `exec "$0" "$1" >"$2"`, programs.witness, WITNESS_ADDRESS, seen]);
    await until("the witness listens", async () => (await outside.run("ss", "-lun")).includes(":9000"));
    for (const side of [alpha, beta]) await mountDisks(side);
    const hosts = new Map([[ON_WITNESS_NETWORK.alpha, "alpha"], [ON_WITNESS_NETWORK.beta, "beta"]]);
    return new Ground(world, new HostWitness(seen, hosts), programs, owned.move());
  }

  /** The server on beta; a new one when none runs. */
  async server(): Promise<PhaulRun> {
    if (this.#server && await isAlive(this.#server)) return this.#server;
    return await this.startServer();
  }

  /** The server that was started last, dead or alive. */
  get lastServer(): PhaulRun | undefined {
    return this.#server;
  }

  /** Starts a server as an operator would, hands its token to alpha and starts the proxy before it. */
  async startServer(): Promise<PhaulRun> {
    const { beta } = this.world;
    const first = this.#server === undefined;
    this.#server = await this.phaul(beta, ["serve", ...DEADLINES]);
    await this.#server.event("listening");
    if (first) await this.#shareToken();
    if (first) await this.#startProxy();
    return this.#server;
  }

  /** Starts `phaul migrate` of `pid`, to the server or to the proxy before it. */
  async migrate(pid: number, through: "server" | "proxy"): Promise<PhaulRun> {
    const { alpha, beta } = this.world;
    const peer = through === "server" ? beta.address : `${beta.address}:${PROXY_PORT}`;
    const what = ["migrate", "--pid", String(pid), "--peer", peer, "--token-file", this.#token];
    return await this.phaul(alpha, [...what, ...DEADLINES, ...COMMIT_DEADLINE]);
  }

  /** Starts any phaul with the directories of its host, ready to be stopped at an event. */
  async phaul(side: Side, args: readonly string[]): Promise<PhaulRun> {
    const { criu } = this.world;
    const env = { LD_PRELOAD: this.#programs.stopper, DRILL_STOP: this.stopFile(side) };
    const [command = "", ...rest] = args;
    const places = ["--criu", criu, "--state-dir", side.stateDir, "--work-dir", side.workDir];
    const started = await startKept(side.host, [BINARY, command, "--json", ...places, ...rest], env);
    const phaul = PhaulRun.of(side.host, started);
    this.runs.push(phaul);
    return phaul;
  }

  /** What names the event at which a phaul of that host stops; see stopper.c. */
  stopFile(side: Side): string {
    return `${side.host.dir}/stop`;
  }

  /** Where the proxy finds what to do. */
  get planFile(): string {
    return `${this.world.dir}/plan.json`;
  }

  /** The source's copy of the token. */
  get #token(): string {
    return `${this.world.dir}/token`;
  }

  /** Ends the workloads of a row that is over, and forgets its runs. */
  async clear(): Promise<void> {
    const { alpha, beta, dir } = this.world;
    for (const { host } of [alpha, beta]) {
      const victims = (await host.processes()).filter(({ command }) =>
        command.includes(`${dir}/numbers-`)
      );
      if (victims.length > 0) {
        await host.run("kill", "-KILL", ...victims.map(({ pid }) => String(pid)));
      }
    }
    this.runs.length = 0;
    await Deno.remove(this.planFile).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }

  async #shareToken(): Promise<void> {
    const { beta } = this.world;
    const text = await beta.host.run("cat", `${beta.stateDir}/join-token`);
    await Deno.writeTextFile(this.#token, text, { mode: 0o600 });
  }

  async #startProxy(): Promise<void> {
    const { beta } = this.world;
    const command = [Deno.execPath(), "run", "-A", "--quiet", PROXY];
    const started = await beta.host.start([...command, beta.stateDir, String(PROXY_PORT), this.planFile]);
    await listens(started);
  }
}

/** Whether it still runs, stopped or not. */
export async function isAlive(phaul: PhaulRun): Promise<boolean> {
  const still = Symbol();
  return await Promise.race([phaul.code, Promise.resolve(still)]) === still;
}

async function listens(started: Started): Promise<void> {
  let ended = false;
  void started.status.then(() => ended = true);
  await until("the proxy listens", async () => {
    if (ended) throw new Error(`The proxy ended: ${await started.err()}`);
    return (await started.out()).includes("listening");
  });
}

/** A bridge in the witness's network, and a device of each host on it. */
async function joinWitness(outside: Host, hosts: readonly Host[]): Promise<void> {
  await outside.run("bash", "-c", `
    ip link add outside type bridge && ip address add ${WITNESS_ADDRESS}/24 dev outside &&
    ip link set outside up`);
  for (const host of hosts) {
    const end = `to-${host.name}`;
    const pair = ["link", "add", "witness", "type", "veth", "peer", "name", end];
    const args = ["--target", String(host.initPid), "--net", "--", "ip", ...pair];
    const made = await run("nsenter", [...args, "netns", String(outside.initPid)]);
    if (made.code !== 0) throw new Error(`Cannot reach the witness: ${made.stderr}`);
    await outside.run("ip", "link", "set", end, "master", "outside", "up");
    const address = ON_WITNESS_NETWORK[host.name === "alpha" ? "alpha" : "beta"];
    await host.run("ip", "address", "add", `${address}/24`, "dev", "witness");
    await host.run("ip", "link", "set", "witness", "up");
  }
}

/** Disks of their own, so that filling one hurts nobody else. */
async function mountDisks({ host, stateDir, workDir }: Side): Promise<void> {
  for (const [path, size] of [[stateDir, DISKS.state], [workDir, DISKS.work]] as const) {
    await host.run("mkdir", "-m", "700", path);
    await host.run("mount", "-t", "tmpfs", "-o", `size=${size},mode=700`, "tmpfs", path);
  }
}

