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

/**
 * Refuses a tree with the main process of a unit that systemd would restart.
 *
 * @returns warnings, where systemd cannot be asked or the tree is another part of a unit
 * @throws PhaulError `supervised`
 */
export async function refuseRestartingUnit(
  processes: readonly TreeProcess[],
  systemctl: SystemctlRunner,
  procRoot: string = PROC_ROOT,
): Promise<string[]> {
  const root = processes[0];
  const unit = parseServiceUnit(readText(`${procRoot}/${root?.pid}/cgroup`) ?? "");
  if (root === undefined || unit === undefined) return [];
  let shown: Map<string, string>;
  try {
    const args = ["show", "-p", "Id,MainPID,Restart", "--", unit.name];
    shown = parseProperties(await systemctl([...managerOf(unit), ...args]));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [`Cannot ask systemd whether it restarts unit ${unit.name}: ${why}`];
  }
  const restart = shown.get("Restart") ?? "no";
  const mainPid = Number(shown.get("MainPID") ?? 0);
  if (restart === "no" || restart === "") return [];
  // Without a main process the unit fails, and restarts, as soon as its last process is gone.
  if (mainPid === 0 || processes.some(({ pid }) => pid === mainPid)) {
    throw new PhaulError(
      "supervised",
      `Cannot migrate process ${root.pid}: it runs as systemd unit ${unit.name} with ` +
        `Restart=${restart}, so a second copy would be started on this host`,
      { remedy: `Switch the restart off until the next boot: ${commandAgainstRestart(unit)}` },
    );
  }
  return [
    `Process ${root.pid} is part of systemd unit ${unit.name} but not its main process ` +
    `(${mainPid}), which may start another in its place`,
  ];
}

/**
 * A command that keeps a running unit from being restarted, without an editor and without touching
 * /etc. `systemctl set-property` cannot set Restart=, and `edit --stdin` is too new; systemd reads
 * Restart= when the process ends, so reloading a drop-in is enough. Drop-ins apply in the order of
 * their names, wherever they lie: hence the zz.
 */
export function commandAgainstRestart(unit: ServiceUnit): string {
  const base = unit.uid === undefined
    ? "/run/systemd/system"
    : `/run/user/${unit.uid}/systemd/user`;
  const directory = quote(`${base}/${unit.name}.d`);
  return [
    `mkdir -p ${directory}`,
    `printf '[Service]\\nRestart=no\\n' > ${directory}/zz-phaul.conf`,
    ["systemctl", ...managerOf(unit), "daemon-reload"].join(" "),
  ].join(" && ");
}

function managerOf({ uid }: ServiceUnit): string[] {
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

/** Unit names hold backslashes where they were escaped. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
