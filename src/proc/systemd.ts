/**
 * What systemd would do to a unit whose main process is killed by a migration.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { TreeProcess } from "./listing.ts";
import { PROC_ROOT, readText } from "./procfs.ts";

/** Runs systemctl and resolves to its stdout; rejects when it cannot be run or fails. */
export type SystemctlRunner = (args: readonly string[]) => Promise<string>;

/** A service unit that a process runs in. */
export interface ServiceUnit {
  readonly name: string;
  /** The user whose own systemd runs it; absent for a unit of the system. */
  readonly uid?: number;
}

/** Runs the systemctl of this host. */
export const runSystemctl: SystemctlRunner = async (args) => {
  const command = new Deno.Command("systemctl", {
    args: [...args],
    stdin: "null",
    stderr: "piped",
    env: { LC_ALL: "C", SYSTEMD_PAGER: "" },
  });
  const output = await command.output();
  if (output.success) return new TextDecoder().decode(output.stdout);
  throw new Error(new TextDecoder().decode(output.stderr).trim() || `exit code ${output.code}`);
};

/** The innermost service unit in the text of /proc/PID/cgroup, on either version of cgroups. */
export function parseServiceUnit(text: string): ServiceUnit | undefined {
  for (const line of text.split("\n")) {
    const [, controllers, ...rest] = line.split(":");
    if (controllers !== "" && controllers !== "name=systemd") continue;
    const parts = rest.join(":").split("/");
    const name = parts.findLast((part) => part.endsWith(".service"));
    if (name === undefined) continue;
    const manager = parts.find((part) => /^user@\d+\.service$/.test(part));
    if (manager === undefined || manager === name) return { name };
    return { name, uid: parseInt(manager.slice("user@".length), 10) };
  }
  return undefined;
}

/** What systemd has to do with a tree. */
export interface Supervision {
  readonly warnings: readonly string[];
  /** The unit whose main process is in the tree, if it is to be released before the freeze. */
  readonly unit?: ServiceUnit;
}

/** How {@linkcode examineUnit} looks. */
export interface UnitSources {
  readonly systemctl: SystemctlRunner;
  readonly procRoot?: string;
  /** The unit will be released before the freeze: that it would be started again is no objection. */
  readonly release?: boolean;
}

/**
 * Refuses a tree with the main process of a unit that systemd would restart, unless it is to be released.
 *
 * @returns with warnings where systemd cannot be asked, where the tree is another part of a unit, and
 * where something else may start the unit again
 * @throws PhaulError `supervised`
 */
export async function examineUnit(
  processes: readonly TreeProcess[],
  sources: UnitSources,
): Promise<Supervision> {
  const root = processes[0];
  const text = readText(`${sources.procRoot ?? PROC_ROOT}/${root?.pid}/cgroup`) ?? "";
  const unit = parseServiceUnit(text);
  if (root === undefined || unit === undefined) return { warnings: [] };
  let shown: UnitState;
  try {
    shown = await showUnit(unit, sources.systemctl);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (sources.release) throw cannotRelease(root.pid, unit, why);
    return { warnings: [`Cannot ask systemd whether it restarts unit ${unit.name}: ${why}`] };
  }
  // Without a main process the unit fails, and restarts, as soon as its last process is gone.
  const isMain = shown.mainPid === 0 || processes.some(({ pid }) => pid === shown.mainPid);
  if (!isMain) return { warnings: warningsOfPart(root.pid, unit, shown) };
  if (sources.release) return { unit, warnings: warningsOfBoot(unit, shown) };
  if (shown.restart === "no") return { warnings: warningsOfTriggers(unit, shown) };
  throw new PhaulError(
    "supervised",
    `Cannot migrate process ${root.pid}: it runs as systemd unit ${unit.name} with ` +
      `Restart=${shown.restart}, so a second copy would be started on this host`,
    {
      remedy: "Let phaul see to it with --release-unit, or switch the restart off until the next " +
        `boot: ${commandAgainstRestart(unit)}`,
    },
  );
}

/** What systemd says of a unit. */
export interface UnitState {
  /** Its Restart=, `no` for none. */
  readonly restart: string;
  /** 0 without a main process. */
  readonly mainPid: number;
  /** Units that start it when something happens: sockets, timers, paths. */
  readonly triggeredBy: string;
  /** It is started at the next boot. */
  readonly enabled: boolean;
}

/** Asks for a unit's state; rejects as `systemctl` does. */
export async function showUnit(unit: ServiceUnit, systemctl: SystemctlRunner): Promise<UnitState> {
  const args = ["show", "-p", "Id,MainPID,Restart,TriggeredBy,UnitFileState", "--", unit.name];
  const shown = parseProperties(await systemctl([...managerOf(unit), ...args]));
  return {
    restart: shown.get("Restart") || "no",
    mainPid: Number(shown.get("MainPID") ?? 0),
    triggeredBy: shown.get("TriggeredBy") ?? "",
    enabled: shown.get("UnitFileState") === "enabled",
  };
}

/** The error for a unit that cannot be released. */
export function cannotRelease(pid: number, unit: ServiceUnit, why: string): PhaulError {
  return new PhaulError(
    "supervised",
    `Cannot migrate process ${pid}: its systemd unit ${unit.name} cannot be released: ${why}`,
    { remedy: `Release it by hand, then leave --release-unit out: ${commandAgainstRestart(unit)}` },
  );
}

function warningsOfPart(pid: number, unit: ServiceUnit, { restart, mainPid }: UnitState): string[] {
  if (restart === "no") return [];
  return [
    `Process ${pid} is part of systemd unit ${unit.name} but not its main process ` +
    `(${mainPid}), which may start another in its place`,
  ];
}

function warningsOfTriggers(unit: ServiceUnit, { triggeredBy }: UnitState): string[] {
  if (triggeredBy === "") return [];
  return [
    `A second copy is started on this host as soon as ${triggeredBy} starts unit ${unit.name} ` +
    "again: --release-unit prevents it",
  ];
}

function warningsOfBoot(unit: ServiceUnit, { enabled }: UnitState): string[] {
  if (!enabled) return [];
  return [
    `Unit ${unit.name} is started again at this host's next boot, unless that is switched off: ` +
    ["systemctl", ...managerOf(unit), "disable", quote(unit.name)].join(" "),
  ];
}

/**
 * A command that keeps a running unit from being restarted, without an editor and without touching
 * /etc. `systemctl set-property` cannot set Restart=, and `edit --stdin` is too new; systemd reads
 * Restart= when the process ends, so reloading a drop-in is enough. Drop-ins apply in the order of
 * their names, wherever they lie: hence the zz.
 */
export function commandAgainstRestart(unit: ServiceUnit): string {
  const { directory, path } = dropInOf(unit);
  return [
    `mkdir -p ${quote(directory)}`,
    `printf '[Service]\\nRestart=no\\n' > ${quote(path)}`,
    commandToReload(unit),
  ].join(" && ");
}

/** The command that makes systemd read a unit's drop-ins. */
export function commandToReload(unit: ServiceUnit): string {
  return ["systemctl", ...managerOf(unit), "daemon-reload"].join(" ");
}

/** Where phaul's drop-in for a unit is, or would be: in memory, gone at the next boot. */
export function dropInOf(unit: ServiceUnit): { readonly directory: string; readonly path: string } {
  const base = unit.uid === undefined
    ? "/run/systemd/system"
    : `/run/user/${unit.uid}/systemd/user`;
  const directory = `${base}/${unit.name}.d`;
  return { directory, path: `${directory}/zz-phaul.conf` };
}

/** The arguments by which systemctl reaches the systemd that runs a unit. */
export function managerOf({ uid }: ServiceUnit): string[] {
  return uid === undefined ? [] : ["--user", `--machine=${uid}@.host`];
}

function parseProperties(text: string): Map<string, string> {
  return new Map(
    text.split("\n").flatMap((line): [string, string][] => {
      const equals = line.indexOf("=");
      return equals < 0 ? [] : [[line.slice(0, equals), line.slice(equals + 1).trim()]];
    }),
  );
}

/** As one word for a shell: unit names hold backslashes where they were escaped. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
