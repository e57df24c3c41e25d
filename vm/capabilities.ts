/**
 * `deno run -A vm/capabilities.ts [migrate|serve] [tree|connection]`: measures which capabilities each
 * role needs. The kernel says which ones it granted during a migration (a probe on cap_capable); each of
 * those is then taken away alone.
 */

import type { Host, Victim } from "./host.ts";
import type { Pair } from "./pair.ts";
import { migrate } from "./phaul.ts";
import { progress } from "./progress.ts";
import { runScenario } from "./scenario.ts";
import { installUnits, startServeUnit, unitProperty } from "./units.ts";

/** What docs/security.md says that a source needs for a tree of any user, in setpriv's words. */
export const SOURCE_CAPABILITIES: readonly string[] = [
  "checkpoint_restore",
  "dac_override",
  "kill",
  "sys_ptrace",
  "sys_resource",
];

/** By number, as the kernel counts them. */
const NAMES = [
  ...["chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid"],
  ...["setpcap", "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw"],
  ...["ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct"],
  ...["sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod"],
  ...["lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog"],
  ...["wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore"],
];

/** What is moved: a tree of a user who lets nobody else into its home, with and without a connection. */
const VICTIMS = {
  "tree": { start: userTree, args: "" },
  "connection": { start: connection, args: "--tcp-established" },
} as const;

type Kind = keyof typeof VICTIMS;
const KINDS: readonly Kind[] = ["tree", "connection"];

let moved = 0;

const AS_USER = "setpriv --reuid 1000 --regid 1000 --clear-groups";

/** Starts, as number `n`, a tree of a user with an open file where nobody else may look. */
export async function userTree({ alpha, beta }: Pair, n: number): Promise<Victim> {
  const home = "install -d -m 700 -o 1000 -g 1000 /srv/private && " +
    "install -m 600 -o 1000 -g 1000 /dev/null /srv/private/file";
  for (const host of [alpha, beta]) await host.run(home);
  return await start(alpha, n, "tree", "--open /srv/private/file");
}

/** Both hosts have the address: what becomes of the client is not the question here. */
async function connection({ alpha, beta }: Pair, n: number): Promise<Victim> {
  const address = "ip addr replace 10.0.0.99/32 dev lan";
  for (const host of [alpha, beta]) await host.run(address);
  const victim = await start(alpha, n, "tcpserver", `--listen ${5000 + n}`);
  const client = `tcpclient --to 10.0.0.99 --listen ${5000 + n} --name client-${n}`;
  await alpha.run(`cd / && /lab/bin/${client} --port ${6000 + n} --daemon`);
  return victim;
}

async function start(host: Host, n: number, program: string, more: string): Promise<Victim> {
  const victim = { name: `${program}-${n}`, port: 7000 + n };
  const args = `--name ${victim.name} --port ${victim.port} --daemon --witness ${more}`;
  const { stdout } = await host.run(
    `cd / && echo ${10_000 + 50 * n} >/proc/sys/kernel/ns_last_pid && ` +
      `${AS_USER} /lab/bin/${program} ${args}`,
  );
  return { ...victim, pid: Number(/^pid (\d+)/m.exec(stdout)?.[1]) };
}

/** Moves a victim of that kind; the exit code of phaul migrate, and what it said. */
async function move(pair: Pair, kind: Kind, through = ""): Promise<{ code: number; said: string }> {
  const { alpha, beta } = pair;
  const victim = await VICTIMS[kind].start(pair, ++moved);
  const args = `${VICTIMS[kind].args} --max-iters 1`;
  const run = await migrate(alpha, beta, victim, { args, through });
  for (const host of [alpha, beta]) {
    await host.run(`kill -9 -- -${victim.pid}; pkill -9 tcpclient`, { mayFail: true });
  }
  return run;
}

const TRACING = "/sys/kernel/tracing";

/** Has the kernel note each question for a capability, of those that are told by `trace`. */
async function armProbe(host: Host): Promise<void> {
  await host.run(
    `mount -t tracefs tracefs ${TRACING}; cd ${TRACING} && ` +
      `echo 'p:cap cap_capable cap=%dx:s32 opts=%cx:u32' >kprobe_events && ` +
      `echo 'r:granted cap_capable ret=$retval:s32' >>kprobe_events && ` +
      `echo 1 >options/event-fork && echo 16384 >buffer_size_kb`,
  );
}

/** Notes the questions of those processes, and of what they start, from now on. */
function trace(pids: string): string {
  return `cd ${TRACING} && echo 0 >events/kprobes/enable && echo >trace && ` +
    `echo ${pids} >set_event_pid && echo 1 >events/kprobes/enable`;
}

/** Names of the capabilities that were asked for, and granted, since `trace`. */
async function granted(host: Host): Promise<Set<string>> {
  await host.run(`echo 0 >${TRACING}/events/kprobes/enable`);
  const text = new TextDecoder().decode(await host.readFile(`${TRACING}/trace`));
  const asked = new Map<string, number>();
  const names = new Set<string>();
  for (const line of text.split("\n")) {
    const pid = /-(\d+)\s+\[/.exec(line)?.[1] ?? "";
    const question = / cap: .*cap=(\d+) opts=(\d+)/.exec(line);
    // CAP_OPT_NOAUDIT: asked in passing, as for each mapping of memory; a no is no failure.
    if (question && (Number(question[2]) & 2) === 0) asked.set(pid, Number(question[1]));
    else if (question) asked.delete(pid);
    const cap = asked.get(pid);
    if (/ granted: .*ret=0$/.test(line) && cap !== undefined) names.add(NAMES[cap] ?? `${cap}`);
  }
  return names;
}

/** What bounds a role, and where its capabilities are asked for. */
interface Role {
  readonly name: string;
  readonly host: (pair: Pair) => Host;
  /** Moves a victim with every capability but `without`. */
  readonly move: (
    pair: Pair,
    kind: Kind,
    without?: string,
  ) => Promise<{ code: number; said: string }>;
  /** The same with all of them, watched by the probe. */
  readonly watched: (pair: Pair, kind: Kind) => Promise<{ code: number; said: string }>;
}

const SOURCE: Role = {
  name: "migrate",
  host: ({ alpha }) => alpha,
  move: (pair, kind, without) =>
    move(pair, kind, without ? `setpriv --bounding-set=-${without}` : ""),
  watched: (pair, kind) => move(pair, kind, `bash -c '${trace("$$")}; cd; exec "$@"' watched`),
};

const DESTINATION: Role = {
  name: "serve",
  host: ({ beta }) => beta,
  async move(pair, kind, without) {
    await boundServe(pair, without);
    return await move(pair, kind);
  },
  async watched(pair, kind) {
    await boundServe(pair);
    const pid = await unitProperty(pair.beta, "phaul-serve", "MainPID");
    await pair.beta.run(trace(`$(ls /proc/${pid}/task)`));
    return await move(pair, kind);
  },
};

/** Gives the unit all capabilities but one. */
async function boundServe({ alpha, beta }: Pair, without?: string): Promise<void> {
  // "~" alone is all of them; a second line takes away from the first.
  const less = without ? `CapabilityBoundingSet=~CAP_${without.toUpperCase()}\n` : "";
  const lines = `[Service]\nCapabilityBoundingSet=~\n${less}`;
  await beta.writeFile("/run/systemd/system/phaul-serve.service.d/bounds.conf", lines);
  await beta.run("systemctl daemon-reload; systemctl stop phaul-serve");
  await startServeUnit(beta, alpha);
}

async function measure(pair: Pair, role: Role): Promise<void> {
  await armProbe(role.host(pair));
  const needed = new Set<string>();
  for (const kind of chosen(KINDS, (kind) => kind)) {
    const { code, said } = await role.watched(pair, kind);
    const used = [...await granted(role.host(pair))].sort();
    progress(`${role.name}, ${kind}: exit code ${code}; granted: ${used.join(", ")}`);
    if (code !== 0) throw new Error(`Cannot measure what does not work at all:\n${said}`);
    for (const name of used.filter((one) => !needed.has(one))) {
      const without = await role.move(pair, kind, name);
      if (without.code !== 0) needed.add(name);
      const words = without.said.trim().split("\n").slice(-3).join(" / ");
      const verdict = without.code === 0 ? "not needed" : `NEEDED (${without.code}: ${words})`;
      progress(`${role.name}, ${kind}: without ${name}: ${verdict}`);
    }
  }
}

/** Those that are named on the command line; all when none is. */
function chosen<T>(all: readonly T[], nameOf: (one: T) => string): readonly T[] {
  const named = all.filter((one) => Deno.args.includes(nameOf(one)));
  return named.length > 0 ? named : all;
}

if (import.meta.main) {
  await runScenario("capabilities", { on: "machines", init: "systemd" }, async (pair) => {
    await installUnits(pair.beta);
    await startServeUnit(pair.beta, pair.alpha);
    for (const role of chosen([SOURCE, DESTINATION], ({ name }) => name)) await measure(pair, role);
  });
}
