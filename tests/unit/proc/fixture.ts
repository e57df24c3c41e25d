/**
 * A /proc made of files, for what cannot be brought about on a real host.
 *
 * @module
 */

/** One process of a made-up /proc; what is left out is that of a plain daemon. */
export interface FakeProcess {
  readonly pid: number;
  readonly comm?: string;
  readonly state?: string;
  readonly parentPid?: number;
  readonly group?: number;
  readonly session?: number;
  readonly flags?: number;
  readonly startTimeTicks?: number;
  readonly threadGroup?: number;
  readonly tracerPid?: number;
  readonly nsPids?: readonly number[];
  readonly nsSessions?: readonly number[];
  readonly cgroup?: string;
  readonly arguments?: readonly string[];
  readonly cwd?: string;
  /** Variables, as `NAME=VALUE`. */
  readonly environment?: readonly string[];
  readonly tcp?: string;
  readonly tcp6?: string;
  /** The text of maps. */
  readonly maps?: string;
  /** Links of ns, by kind. */
  readonly ns?: Readonly<Record<string, string>>;
  /** The profile of a security module. */
  readonly profile?: string;
  /** The mode of its filters of system calls. */
  readonly seccomp?: number;
  /** Pids of the children; without it the kernel lacks these files. */
  readonly children?: readonly number[];
  readonly fds?: Readonly<Record<number, { readonly target: string; readonly info?: string }>>;
}

/** A directory like /proc. Take it with `using`. */
export class FakeProc implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "phaul-proc-" });

  constructor(processes: readonly FakeProcess[]) {
    for (const process of processes) this.#write(process);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }

  #write(process: FakeProcess): void {
    const { pid } = process;
    const directory = `${this.root}/${pid}`;
    for (const name of ["fd", "fdinfo", "net", "ns", `task/${pid}`]) {
      Deno.mkdirSync(`${directory}/${name}`, { recursive: true });
    }
    const write = (name: string, text: string | undefined) => {
      if (text !== undefined) Deno.writeTextFileSync(`${directory}/${name}`, text);
    };
    write("stat", statLine(process));
    write("status", statusText(process));
    write("cgroup", process.cgroup ?? "0::/user.slice/session-1.scope\n");
    write("cmdline", (process.arguments ?? ["prog"]).map((text) => `${text}\0`).join(""));
    write("environ", process.environment?.map((text) => `${text}\0`).join(""));
    write("net/tcp", process.tcp);
    write("net/tcp6", process.tcp6);
    write("maps", process.maps);
    if (process.profile !== undefined) {
      Deno.mkdirSync(`${directory}/attr`);
      write("attr/current", process.profile);
    }
    for (const [kind, target] of Object.entries(process.ns ?? {})) {
      Deno.symlinkSync(target, `${directory}/ns/${kind}`);
    }
    write(`task/${pid}/children`, process.children?.map((child) => `${child} `).join(""));
    if (process.cwd !== undefined) Deno.symlinkSync(process.cwd, `${directory}/cwd`);
    for (const [fd, { target, info }] of Object.entries(process.fds ?? {})) {
      Deno.symlinkSync(target, `${directory}/fd/${fd}`);
      write(`fdinfo/${fd}`, info ?? "pos:\t0\nflags:\t0100002\nmnt_id:\t1\nino:\t1\n");
    }
  }
}

function statLine(process: FakeProcess): string {
  const { pid, comm = "prog", state = "S", parentPid = 1, flags = 0x400000 } = process;
  const { group = pid, session = pid, startTimeTicks = 1000 } = process;
  const fields = [state, parentPid, group, session, 0, -1, flags, ...Array(12).fill(0)];
  return `${pid} (${comm}) ${[...fields, startTimeTicks, 0, 0].join(" ")}\n`;
}

function statusText(process: FakeProcess): string {
  const { pid, threadGroup = pid, tracerPid = 0, nsPids = [pid] } = process;
  const { nsSessions = [process.session ?? pid] } = process;
  return [
    `Name:\t${process.comm ?? "prog"}`,
    `Tgid:\t${threadGroup}`,
    `Pid:\t${pid}`,
    `TracerPid:\t${tracerPid}`,
    `NSpid:\t${nsPids.join("\t")}`,
    `NSsid:\t${nsSessions.join("\t")}`,
    "Uid:\t0\t0\t0\t0",
    `Seccomp:\t${process.seccomp ?? 0}`,
    "RssAnon:\t     100 kB",
    "RssFile:\t     900 kB",
    "RssShmem:\t      20 kB",
    "",
  ].join("\n");
}
