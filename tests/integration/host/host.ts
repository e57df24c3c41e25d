/** A host of its own on this machine: a process and the namespaces that it holds. */

import { type Outcome, run } from "../../../tools/process.ts";
import { appears, textOf } from "./waiting.ts";

/**
 * What holds a host: pid 1 of its pid namespace. It ends, and everything in the namespace with it, when
 * its standard input does, so also when the tests are killed. SIGCHLD is ignored for orphans to be
 * collected at once. The outer shell removes the host's files and, when the tests are dead, all others.
 */
const HOLDER = `trap '' INT TERM
unshare --pid --fork --mount-proc --mount --net --ipc --uts bash -c '
  hostname "$1" && ip link set lo up && echo "$2" >/proc/sys/kernel/ns_last_pid || exit 1
  echo ready
  trap "" CHLD
  exec cat >/dev/null' bash "$1" "$2"
rm -rf "$3"
[ "$(ps -o ppid= -p $$ | tr -d " ")" = "$PPID" ] || rm -rf "$4"`;

/** Keeps the process's own pid where the test finds it, and its output in files. */
const STARTER = `echo $$ >"$1.pid.new"; mv "$1.pid.new" "$1.pid"
name=$1; shift
exec "$@" </dev/null >"$name.out" 2>"$name.err"`;

/** A process as the host itself numbers it. */
export interface HostProcess {
  readonly pid: number;
  readonly parentPid: number;
  /** The kernel's letter: T is stopped, t traced, Z a zombie. */
  readonly state: string;
  readonly command: string;
}

/** A process that was started on a host and writes to files. */
export interface Started {
  /** On the host. */
  readonly pid: number;
  /** Of its exit, as nsenter passes it on. */
  readonly status: Promise<Deno.CommandStatus>;
  out(): Promise<string>;
  err(): Promise<string>;
}

/** How to make a host. */
export interface HostOptions {
  readonly name: string;
  /** Pids on it begin here: those of two hosts must not clash by chance. */
  readonly firstPid: number;
  /** Files of the host; removed with it. */
  readonly dir: string;
  /** Where `dir` lies: all files of one test. */
  readonly within: string;
}

/** A host. Its owner disposes of it: nothing that ran on it is left then. */
export class Host implements AsyncDisposable {
  readonly name: string;
  /** Files of this host alone. */
  readonly dir: string;
  readonly #holder: Deno.ChildProcess;
  readonly #init: number;
  readonly #started: Deno.ChildProcess[] = [];
  #names = 0;

  private constructor(options: HostOptions, holder: Deno.ChildProcess, init: number) {
    this.name = options.name;
    this.dir = options.dir;
    this.#holder = holder;
    this.#init = init;
  }

  /** Makes the namespaces; nobody is on the network yet. */
  static async make(options: HostOptions): Promise<Host> {
    await Deno.mkdir(options.dir, { mode: 0o700 });
    const holder = new Deno.Command("bash", {
      args: [
        "-c",
        HOLDER,
        "bash",
        options.name,
        String(options.firstPid),
        options.dir,
        options.within,
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const ready = await firstLine(holder.stdout);
    if (ready !== "ready") throw new Error(`Cannot make host ${options.name}: see above`);
    const [unshare] = await childrenOf(holder.pid);
    const [init] = unshare === undefined ? [] : await childrenOf(unshare);
    if (init === undefined) throw new Error(`Cannot find the init of host ${options.name}`);
    return new Host(options, holder, init);
  }

  /** Its init, as this machine numbers it. */
  get initPid(): number {
    return this.#init;
  }

  /** Runs a command to its end. */
  async try(...command: readonly string[]): Promise<Outcome> {
    return await run("nsenter", [...this.#enter(), ...command], { cwd: "/" });
  }

  /**
   * Runs a command that must succeed.
   *
   * @returns what it printed
   */
  async run(...command: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.try(...command);
    if (code === 0) return stdout;
    throw new Error(`${command.join(" ")} on ${this.name} exited with ${code}: ${stderr}`);
  }

  /** Starts a command and returns when it has its pid. */
  async start(
    command: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Started> {
    const name = `${this.dir}/${++this.#names}`;
    const child = new Deno.Command("nsenter", {
      args: [...this.#enter(), "bash", "-c", STARTER, "bash", name, ...command],
      cwd: "/",
      env: { ...env, NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
    }).spawn();
    this.#started.push(child);
    const pid = Number(await appears(`${name}.pid`));
    return {
      pid,
      status: child.status,
      out: () => textOf(`${name}.out`),
      err: () => textOf(`${name}.err`),
    };
  }

  /** Sends a signal to a process of the host; one that is gone already is fine. */
  async signal(pid: number, signal: string): Promise<void> {
    await this.try("kill", "-s", signal, String(pid));
    if (signal === "CONT") this.#wakeParents();
  }

  /** Everything that runs on the host but its init and this look itself. */
  async processes(): Promise<HostProcess[]> {
    const text = await this.run("ps", "-eo", "pid=,ppid=,stat=,args=");
    return text.split("\n").flatMap((line) => {
      const found = /^ *(\d+) +(\d+) +(\S)\S* +(.*)$/.exec(line);
      if (!found) return [];
      const [, pid, parentPid, state = "", command = ""] = found;
      if (pid === "1" || command.startsWith("ps -eo")) return [];
      return [{ pid: Number(pid), parentPid: Number(parentPid), state, command }];
    });
  }

  /** Ends everything on it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder.stdin.close();
    await this.#holder.stdout.cancel();
    await this.#holder.status;
    this.#wakeParents();
    await Promise.all(this.#started.map(({ status }) => status));
  }

  /** An nsenter whose child was stopped has stopped itself, and would not see its child's end. */
  #wakeParents(): void {
    for (const child of this.#started) {
      try {
        child.kill("SIGCONT");
      } catch {
        // It has ended.
      }
    }
  }

  #enter(): string[] {
    return ["--target", String(this.#init), "--pid", "--mount", "--net", "--ipc", "--uts", "--"];
  }
}

/** Joins two hosts by a cable; the first gets address .1, the second .2. */
export async function connect(first: Host, second: Host): Promise<void> {
  const link = [
    ...["link", "add", "wire", "type", "veth"],
    ...["peer", "name", "wire", "netns", String(second.initPid)],
  ];
  const target = ["--target", String(first.initPid), "--net", "--"];
  const made = await run("nsenter", [...target, "ip", ...link]);
  if (made.code !== 0) throw new Error(`Cannot join the hosts: ${made.stderr}`);
  for (const [host, address] of [[first, ADDRESSES[0]], [second, ADDRESSES[1]]] as const) {
    await host.run("ip", "address", "add", `${address}/24`, "dev", "wire");
    await host.run("ip", "link", "set", "wire", "up");
  }
}

/** Of the first and the second host of a pair; nobody else sees them. */
export const ADDRESSES = ["10.77.0.1", "10.77.0.2"] as const;

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.pipeThrough(new TextDecoderStream(), { preventCancel: true }).getReader();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += part.value;
    if (text.includes("\n")) break;
  }
  await reader.cancel();
  return text.split("\n")[0] ?? "";
}

/** Looked for among all processes: not every kernel lists the children of one. */
async function childrenOf(parent: number): Promise<number[]> {
  const { stdout } = await run("ps", ["-eo", "pid=,ppid="]);
  return stdout.split("\n").flatMap((line) => {
    const [pid, parentPid] = line.trim().split(/ +/).map(Number);
    return parentPid === parent && pid !== undefined ? [pid] : [];
  });
}
