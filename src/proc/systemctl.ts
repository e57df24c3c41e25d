/**
 * Service units, and what systemd says of them.
 *
 * @module
 */

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
