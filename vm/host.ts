/**
 * A host as scenarios see it: a whole virtual machine, or a set of namespaces in the single-guest
 * lane. Scenarios are written once, on this.
 */

import { type AgentAddress, type Ending, GuestProcess } from "./agent.ts";

/** A finished command. */
export interface CommandResult extends Ending {
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a command. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  /** Returns what failed instead of throwing. */
  readonly mayFail?: boolean;
  /** After this the command is killed and the call rejects. Generous: emulated guests are slow. */
  readonly timeoutMs?: number;
}

/** A command in a guest ended with another code than 0; the message holds its last words. */
export class GuestCommandError extends Error {
  override readonly name = "GuestCommandError";
  readonly result: CommandResult;

  constructor(host: string, command: string, result: CommandResult) {
    const words = (result.stderr || result.stdout).trim().slice(-3000);
    super(`Cannot run "${command}" on ${host}: exit code ${result.code}\n${words}`);
    this.result = result;
  }
}

/** A process started by {@linkcode Host.victim}, to be migrated. */
export interface Victim {
  readonly pid: number;
  /** UDP port on which it answers questions about itself. */
  readonly port: number;
  /** Its name in witness datagrams. */
  readonly name: string;
}

/** What one host is made of; see pair.ts and lane.ts. */
export interface HostParts {
  readonly name: string;
  readonly address: string;
  readonly witnessAddress: string;
  readonly agent: AgentAddress;
  /** Ends the host without a warning. */
  readonly kill: () => Promise<void>;
  /** In the lane: first process of its namespaces, as the guest around it numbers it. */
  readonly init?: number;
  /** Restarts it as after a power cut; only machines can. */
  readonly reset?: () => Promise<void>;
}

const GUEST_PATH = "/lab/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const COMMAND_TIMEOUT_MS = 180_000;
const SIGKILL = 9;

/** A host of a scenario. */
export class Host {
  readonly name: string;
  /** Its address on the link between the hosts. */
  readonly address: string;
  /** Its address on the witness network, by which the capture knows it. */
  readonly witnessAddress: string;
  /** In the lane: first process of its namespaces, as the guest around it numbers it. */
  readonly init?: number;
  readonly #agent: AgentAddress;
  readonly #kill: () => Promise<void>;
  readonly #reset?: () => Promise<void>;
  readonly #logs = new Map<string, GuestProcess>();

  constructor(parts: HostParts) {
    this.name = parts.name;
    this.address = parts.address;
    this.witnessAddress = parts.witnessAddress;
    this.init = parts.init;
    this.#agent = parts.agent;
    this.#kill = parts.kill;
    this.#reset = parts.reset;
  }

  /**
   * Runs a bash command to its end.
   *
   * @throws {GuestCommandError} for another exit code than 0, unless `mayFail`.
   * @throws {GuestLostError} when the host dies meanwhile.
   */
  async run(command: string, options: RunOptions = {}): Promise<CommandResult> {
    using process = await this.#spawn(command, options);
    const ending = await this.#within(process, command, options.timeoutMs ?? COMMAND_TIMEOUT_MS);
    const result = { ...ending, stdout: process.stdout.text, stderr: process.stderr.text };
    if (result.code !== 0 && !options.mayFail) {
      throw new GuestCommandError(this.name, command, result);
    }
    return result;
  }

  /**
   * Starts a bash command and returns while it runs. Its output is kept under `log` for the
   * artifacts. The caller owns the process: disposing it kills the command.
   */
  async start(command: string, log: string, options: RunOptions = {}): Promise<GuestProcess> {
    const process = await this.#spawn(command, options);
    this.#logs.set(this.#freeLogName(log), process);
    return process;
  }

  /**
   * Starts a workload of /lab/bin as a daemon. Its pid and all pids of its tree are above
   * `abovePid`, so that they are free on the other host.
   */
  async victim(command: string, options: { readonly abovePid?: number } = {}): Promise<Victim> {
    const abovePid = options.abovePid ?? 9000 + Math.floor(Math.random() * 20_000);
    const prelude = `echo ${abovePid} >/proc/sys/kernel/ns_last_pid`;
    const { stdout } = await this.run(`${prelude}; /lab/bin/${command} --daemon --witness`, {
      cwd: "/",
    });
    const match = /^pid (\d+) port (\d+) name (\S+)$/m.exec(stdout);
    if (!match) throw new Error(`Cannot start "${command}" on ${this.name}: it said "${stdout}"`);
    return { pid: Number(match[1]), port: Number(match[2]), name: match[3] ?? "" };
  }

  /** Asks a victim, on this host, one question over its UDP port; the answer is parsed JSON. */
  async ask(victim: Victim, question = "status"): Promise<Record<string, unknown>> {
    const { stdout } = await this.run(`/lab/bin/ask ${victim.port} ${question}`);
    return JSON.parse(stdout);
  }

  /** Whether a process with that pid is there (a zombie is not). */
  async hasProcess(pid: number): Promise<boolean> {
    const test = `grep -q '^State:.[^ZX]' /proc/${pid}/status`;
    return (await this.run(`[ -e /proc/${pid} ] && ${test}`, { mayFail: true })).code === 0;
  }

  /** Writes a file, its folder made when missing. */
  async writeFile(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
    const quoted = shellQuote(path);
    const make = `mkdir -p "$(dirname ${quoted})" && cat >${quoted}`;
    await this.run(`${make} && chmod ${mode.toString(8)} ${quoted}`, { stdin: content });
  }

  /** The content of a file. */
  async readFile(path: string): Promise<Uint8Array> {
    using process = await this.#spawn(`cat ${shellQuote(path)}`, {});
    const { code } = await this.#within(process, `cat ${path}`, COMMAND_TIMEOUT_MS);
    if (code === 0) return process.stdout.bytes;
    throw new Error(`Cannot read "${path}" on ${this.name}: ${process.stderr.text.trim()}`);
  }

  /** Ends the host as a power cut would; returns when it is gone. */
  async kill(): Promise<void> {
    await this.#kill();
  }

  /**
   * Power off and on at once: what was not on the disk is lost; returns when the host is up again.
   * Only machines can be reset.
   */
  async reset(): Promise<void> {
    if (!this.#reset) throw new Error(`Cannot reset ${this.name}: it is not a machine`);
    await this.#reset();
  }

  /** Output of the commands started, by log name. */
  logs(): ReadonlyMap<string, string> {
    const texts = new Map<string, string>();
    for (const [name, process] of this.#logs) {
      texts.set(name, `${process.stdout.text}\n--- stderr ---\n${process.stderr.text}`);
    }
    return texts;
  }

  async #spawn(command: string, options: RunOptions): Promise<GuestProcess> {
    const { stdin, cwd = "/root" } = options;
    const env = { PATH: GUEST_PATH, HOME: "/root", LANG: "C.UTF-8", ...options.env };
    const bytes = typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
    return await GuestProcess.start(
      this.#agent,
      { argv: ["bash", "-c", command], cwd, env },
      bytes,
    );
  }

  async #within(process: GuestProcess, command: string, timeoutMs: number): Promise<Ending> {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      void process.kill(SIGKILL);
    }, timeoutMs);
    try {
      const ending = await process.ended;
      if (!expired) return ending;
      throw new Error(`"${command}" on ${this.name} did not end within ${timeoutMs} ms`);
    } finally {
      clearTimeout(timer);
    }
  }

  #freeLogName(log: string): string {
    let name = log;
    for (let n = 2; this.#logs.has(name); n++) name = `${log}-${n}`;
    return name;
  }
}

/** `text` as one word for a shell. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
