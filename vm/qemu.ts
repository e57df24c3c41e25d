/** One virtual machine: QEMU's command line, its start, its end. */

import type { GuestImage } from "./image.ts";
import { Qmp } from "./qmp.ts";
import { onSignal } from "./teardown.ts";

/** How a guest's processor is run. Both guests of a pair get the same. */
export type Accelerator = "kvm" | "tcg";

/** Ports of the guest that are forwarded: the agent of the guest, and two for the lane's hosts. */
export const AGENT_PORTS = [7001, 7002, 7003] as const;

/** How to build a machine. */
export interface MachineOptions {
  readonly name: string;
  readonly image: GuestImage;
  /** Second disk, read-only: the agent, the workloads and phaul. */
  readonly payload: string;
  /** Holds the sockets, the console and the captures. */
  readonly dir: string;
  readonly accelerator: Accelerator;
  /** Lets time in the guest go by the instructions it executes; only where it is emulated. */
  readonly countsInstructions?: boolean;
  readonly memoryMiB: number;
  readonly cpus: number;
  /** Secret of the agent, 32 characters. */
  readonly token: string;
  /** Distinguishes hardware addresses: 1 or 2. */
  readonly index: number;
  /** Unix socket to the other machine and who listens on it; no such device without it. */
  readonly link?: { readonly path: string; readonly listens: boolean };
  /** Words for the kernel's command line, read by the guest's init. */
  readonly words: readonly string[];
}

/** A running QEMU. Disposing kills it, as a power cut would. */
export class Machine implements AsyncDisposable {
  readonly name: string;
  readonly consolePath: string;
  /** What the machine sends to the witness address, as captured by QEMU. */
  readonly witnessPath: string;
  readonly qmp: Qmp;
  readonly #process: Deno.ChildProcess;
  readonly #emergency: Disposable;
  #dead = false;

  private constructor(
    options: MachineOptions,
    qmp: Qmp,
    process: Deno.ChildProcess,
    emergency: Disposable,
  ) {
    this.name = options.name;
    this.consolePath = consolePath(options);
    this.witnessPath = witnessPath(options);
    this.qmp = qmp;
    this.#process = process;
    this.#emergency = emergency;
    void process.status.then(() => this.#dead = true);
  }

  /**
   * Where all lies that the guest has written to its disk: a file of QEMU's that has no name any more,
   * by the descriptor. Good while the machine lives.
   */
  get diskWrites(): string {
    const dir = `/proc/${this.#process.pid}/fd`;
    const found = Array.from(Deno.readDirSync(dir), ({ name }) => `${dir}/${name}`)
      .find((path) => /\/vl\.\w+ \(deleted\)$/.test(Deno.readLinkSync(path)));
    if (found === undefined) throw new Error(`Machine "${this.name}" keeps no writes of its disk`);
    return found;
  }

  /** Starts QEMU and connects to its monitor; the guest boots meanwhile. */
  static async start(options: MachineOptions): Promise<Machine> {
    const qmpPath = `${options.dir}/${options.name}.qmp`;
    const listener = Deno.listen({ transport: "unix", path: qmpPath });
    const errors = await Deno.open(`${options.dir}/${options.name}.qemu.log`, {
      write: true,
      create: true,
    });
    errors.close();
    const process = spawnQemu(options, qmpPath);
    const emergency = onSignal(() => killQuietly(process));
    try {
      const qmp = await Promise.race([
        Qmp.accept(listener),
        endedEarly(process, options, listener),
      ]);
      return new Machine(options, qmp, process, emergency);
    } catch (error) {
      emergency[Symbol.dispose]();
      killQuietly(process);
      throw error;
    }
  }

  /** False once QEMU has ended. */
  get alive(): boolean {
    return !this.#dead;
  }

  /** Port on 127.0.0.1 that leads to the guest's `port`. */
  async forwardedPort(port: number): Promise<number> {
    const table = await this.qmp.human("info usernet");
    const row = new RegExp(
      `HOST_FORWARD\\]\\s+\\d+\\s+127\\.0\\.0\\.1\\s+(\\d+)\\s+\\S+\\s+${port}\\s`,
    );
    const found = row.exec(table)?.[1];
    if (!found) throw new Error(`Cannot find the forwarded port ${port} of guest "${this.name}"`);
    return Number(found);
  }

  /** Pulls the cable of the link, or puts it back. */
  async setLink(up: boolean): Promise<void> {
    await this.qmp.execute("set_link", { name: "link", up });
  }

  /** Power off and on at once; the disk stays as it was. */
  async reset(): Promise<void> {
    await this.qmp.execute("system_reset");
  }

  /** Kills the machine like a power cut; returns when it is gone. */
  async kill(): Promise<void> {
    killQuietly(this.#process);
    await this.#process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#emergency[Symbol.dispose]();
    await this.kill();
    this.qmp[Symbol.dispose]();
  }
}

function consolePath({ dir, name }: MachineOptions): string {
  return `${dir}/${name}.console.log`;
}

function witnessPath({ dir, name }: MachineOptions): string {
  return `${dir}/${name}.witness.pcap`;
}

function spawnQemu(options: MachineOptions, qmpPath: string): Deno.ChildProcess {
  const log = `${options.dir}/${options.name}.qemu.log`;
  const qemu = ["qemu-system-x86_64", ...qemuArgs(options, qmpPath)];
  // The shell only redirects: QEMU says why it ends on stderr, and a pipe would need a reader.
  const script = 'log=$1; shift; exec setpriv --pdeathsig KILL -- "$@" >"$log" 2>&1';
  return new Deno.Command("sh", {
    args: ["-c", script, "qemu", log, ...qemu],
    env: { TMPDIR: options.dir },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

async function endedEarly(
  process: Deno.ChildProcess,
  options: MachineOptions,
  listener: Deno.UnixListener,
): Promise<never> {
  const { code } = await process.status;
  try {
    listener.close();
  } catch {
    // Closed already when the monitor was connected: then nobody waits for this promise.
  }
  const log = await Deno.readTextFile(`${options.dir}/${options.name}.qemu.log`).catch(() => "");
  throw new Error(`QEMU of guest "${options.name}" ended with code ${code}: ${log.trim()}`);
}

function killQuietly(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGKILL");
  } catch {
    // Gone already.
  }
}

function qemuArgs(options: MachineOptions, qmpPath: string): string[] {
  const { image, memoryMiB, cpus } = options;
  const kvm = options.accelerator === "kvm";
  const accelerator = kvm ? ["-accel", "kvm"] : emulation(options.countsInstructions === true);
  return [
    ...["-name", options.name, "-machine", "pc", "-nodefaults", "-no-user-config"],
    ...["-display", "none", ...accelerator],
    ...["-cpu", kvm ? "host" : "max", "-m", `${memoryMiB}`, "-smp", `${cpus}`],
    ...["-kernel", image.kernel, "-initrd", image.initrd, "-append", kernelWords(options)],
    ...["-serial", `file:${consolePath(options)}`, "-qmp", `unix:${qmpPath}`],
    ...["-drive", `file=${image.disk},format=raw,if=virtio,snapshot=on`],
    ...["-drive", `file=${options.payload},format=raw,if=virtio,readonly=on`],
    ...controlArgs(options),
    ...witnessArgs(options),
    ...linkArgs(options),
  ];
}

/** Counting instructions, a guest sees one a nanosecond however busy this machine is, and no idling. */
function emulation(counting: boolean): string[] {
  if (!counting) return ["-accel", "tcg,thread=multi,tb-size=256"];
  return ["-accel", "tcg,thread=single,tb-size=256", "-icount", "shift=0,sleep=off"];
}

function kernelWords({ name, token, words }: MachineOptions): string {
  return [
    ...["console=ttyS0", "loglevel=4", "panic=0", "net.ifnames=0", "mitigations=off"],
    ...["random.trust_cpu=on", `lab.name=${name}`, `lab.token=${token}`, ...words],
  ].join(" ");
}

function nic(netdev: string, mac: string): string[] {
  return ["-device", `virtio-net-pci,netdev=${netdev},mac=${mac},romfile=`];
}

function controlArgs({ index }: MachineOptions): string[] {
  const forwards = AGENT_PORTS.map((port) => `,hostfwd=tcp:127.0.0.1:0-:${port}`).join("");
  const netdev = `user,id=control,restrict=on,ipv6=off${forwards}`;
  return ["-netdev", netdev, ...nic("control", `02:00:00:00:00:0${index}`)];
}

/** A hub with a port that leads nowhere swallows everything; the filter sees it first. */
function witnessArgs(options: MachineOptions): string[] {
  const dump = `filter-dump,id=dump,netdev=witness,maxlen=512,file=${witnessPath(options)}`;
  return [
    ...["-netdev", "hubport,id=witness,hubid=9", "-netdev", "hubport,id=nowhere,hubid=9"],
    ...nic("witness", `02:00:00:00:09:0${options.index}`),
    ...["-object", dump],
  ];
}

function linkArgs({ link, index }: MachineOptions): string[] {
  if (!link) return [];
  const server = link.listens ? "on" : "off";
  const netdev = `stream,id=link,server=${server},addr.type=unix,addr.path=${link.path}`;
  // Jumbo frames: under emulation each packet costs far more than its bytes.
  const mac = `02:00:00:00:01:0${index},host_mtu=9000`;
  return ["-netdev", netdev, ...nic("link", mac)];
}
