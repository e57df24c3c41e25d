/**
 * Parents that would start the victim again once it is gone from this host.
 *
 * @module
 */

import { readArguments, readLink, readStat, statOf } from "../proc/procfs.ts";
import type { Finding } from "./finding.ts";

/** How one kind of supervisor is told to let its process go. */
interface Supervisor {
  /** What to do about it, given the supervisor's working directory. */
  remedy(workDir: string): string;
  /** Whether it was already told not to start the process again. */
  letsGo?(workDir: string): boolean;
}

const OUTSIDE = (name: string): Supervisor => ({
  remedy: () => `Start the program outside of ${name}, then move it`,
});
const CONTAINER: Supervisor = {
  remedy: () => "Move containers with their engine; phaul moves plain processes",
};

/**
 * By command name, which the kernel cuts to 15 characters. runsv and supervise work in the service's
 * directory; both keep there, in byte 17 of supervise/status, whether the service is wanted up.
 */
const SUPERVISORS: Readonly<Record<string, Supervisor>> = {
  "runsv": { remedy: (workDir) => `Tell runit not to start it again: sv once ${workDir}`, letsGo },
  "supervise": {
    remedy: (workDir) => `Tell daemontools not to start it again: svc -o ${workDir}`,
    letsGo,
  },
  "s6-supervise": OUTSIDE("s6"),
  "supervisord": OUTSIDE(
    "supervisord, or have it there with autorestart=false and no copy running",
  ),
  "supervise-daemo": OUTSIDE("supervise-daemon"),
  "circusd": OUTSIDE("circus"),
  "perpd": OUTSIDE("perp"),
  "dinit": OUTSIDE("dinit"),
  "immortal": OUTSIDE("immortal"),
  "monit": OUTSIDE("monit"),
  "god": OUTSIDE("god"),
  "pm2": OUTSIDE("PM2"),
  "containerd-shim": CONTAINER,
  "docker-containe": CONTAINER,
  "conmon": CONTAINER,
};

const SHELLS = ["sh", "bash", "dash", "zsh", "ksh", "mksh", "fish", "ash", "busybox"];

/**
 * A parent that is a known supervisor, or may be one: a shell may run the process in a loop, which
 * nobody can see from outside.
 */
export function findSupervisor(pid: number, procRoot: string): Finding[] {
  const parentPid = readStat(pid, procRoot)?.parentPid ?? 0;
  if (parentPid <= 1) return [];
  const names = namesOf(parentPid, procRoot);
  const name = names.find((candidate) => SUPERVISORS[candidate] !== undefined);
  const supervisor = name === undefined ? undefined : SUPERVISORS[name];
  if (supervisor !== undefined) {
    const workDir = readLink(`${procRoot}/${parentPid}/cwd`) ?? "DIRECTORY";
    if (supervisor.letsGo?.(workDir)) return [];
    return [{
      code: "supervised",
      severity: "blocker",
      message:
        `its parent, process ${parentPid} ("${name}"), would start a second copy on this host`,
      remedy: supervisor.remedy(workDir),
    }];
  }
  const shell = names.find((candidate) => SHELLS.includes(candidate));
  if (shell === undefined || !runsScript(parentPid, procRoot)) return [];
  return [{
    code: "supervised",
    severity: "warning",
    message:
      `process ${pid} was started by a script (process ${parentPid}, "${shell}"): should it ` +
      "run in a loop, a second copy will be started on this host",
    remedy: "Look at the script, and end it first where it loops",
  }];
}

/** An interactive shell has no script and no command; a login shell's name starts with "-". */
function runsScript(pid: number, procRoot: string): boolean {
  const [, ...rest] = readArguments(pid, procRoot);
  return rest.some((argument) => !argument.startsWith("-"));
}

/** The command name, and the program of an interpreter: `python3 /usr/bin/supervisord -c FILE`. */
function namesOf(pid: number, procRoot: string): string[] {
  const comm = readStat(pid, procRoot)?.comm ?? "";
  const [program = "", script = ""] = readArguments(pid, procRoot);
  const named = [program, script].map((path) => path.split("/").at(-1) ?? "");
  const title = program.startsWith("PM2 ") ? ["pm2"] : [];
  return [comm, ...named.map((name) => name.slice(0, 15).replace(/^-/, "")), ...title];
}

function letsGo(workDir: string): boolean {
  const path = `${workDir}/supervise/status`;
  if (statOf(path)?.isFile !== true) return false;
  const wanted = Deno.readFileSync(path)[17];
  return wanted !== undefined && wanted !== "u".charCodeAt(0);
}
