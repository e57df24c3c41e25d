/**
 * Finds the root of a tree by other names than its pid.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { listNumbers, PROC_ROOT, readArguments, readStat, readText } from "./procfs.ts";
import { runSystemctl, showUnit, type SystemctlRunner } from "./systemctl.ts";

/** The kernel cuts command names to so many characters. */
const COMM_CHARS = 15;
const SHOWN_PIDS = 10;

/**
 * The process called `name`, by its command name or its program's. Of several that are ancestor and
 * descendants, as with servers that have workers, the ancestor is meant.
 *
 * @param ownPid The pid that stands for phaul, whose arguments hold the name too.
 * @throws PhaulError `no-such-process` when there is none, or more than one that could be meant
 */
export function findByName(
  name: string,
  procRoot: string = PROC_ROOT,
  ownPid: number = Deno.pid,
): number {
  const stats = listNumbers(procRoot).flatMap((pid) => readStat(pid, procRoot) ?? []);
  const parents = new Map(stats.map(({ pid, parentPid }) => [pid, parentPid]));
  const called = new Set(
    stats.filter(({ pid, comm, state }) =>
      pid !== ownPid && state !== "Z" && namesOf(pid, comm, procRoot).includes(name)
    ).map(({ pid }) => pid),
  );
  const roots = [...called].filter((pid) => !hasAncestorIn(called, pid, parents));
  const [root] = roots;
  if (root === undefined) {
    throw new PhaulError(
      "no-such-process",
      `Cannot find a process called "${name}": there is none`,
      {
        remedy: "ps -e shows the names; or give its pid with --pid",
      },
    );
  }
  if (roots.length === 1) return root;
  const pids = `${roots.slice(0, SHOWN_PIDS).join(", ")}${roots.length > SHOWN_PIDS ? "..." : ""}`;
  throw new PhaulError(
    "no-such-process",
    `Cannot tell which process "${name}" is: ${roots.length} are called so (${pids})`,
    { remedy: "Give the pid of the one that is meant with --pid" },
  );
}

/**
 * The process whose pid stands in the file at `path`.
 *
 * @throws PhaulError `no-such-process` when it cannot be read or holds no pid
 */
export function findByPidFile(path: string): number {
  const text = readFile(path);
  const pid = /^\s*(\d{1,7})\s/.exec(`${text} `)?.[1];
  if (pid !== undefined && Number(pid) > 0) return Number(pid);
  throw new PhaulError("no-such-process", `Cannot use the pid file "${path}": it holds no pid`, {
    remedy: "Give the pid itself with --pid",
  });
}

/**
 * The main process of a systemd unit; `.service` may be left out.
 *
 * @throws PhaulError `no-such-process` when it has none, or systemd cannot be asked
 */
export async function findByUnit(
  unit: string,
  systemctl: SystemctlRunner = runSystemctl,
): Promise<number> {
  const name = unit.includes(".") ? unit : `${unit}.service`;
  const failed = (why: string, cause?: unknown) =>
    new PhaulError("no-such-process", `Cannot find the main process of unit ${name}: ${why}`, {
      remedy: `See systemctl status ${name}`,
      cause,
    });
  const { mainPid } = await showUnit({ name }, systemctl).catch((error) => {
    throw failed(error instanceof Error ? error.message : String(error), error);
  });
  if (mainPid === 0) throw failed("none runs");
  return mainPid;
}

function readFile(path: string): string {
  try {
    return readText(path) ?? "";
  } catch {
    return "";
  }
}

/** The command name, and what the program was started as: a server may have changed either. */
function namesOf(pid: number, comm: string, procRoot: string): string[] {
  const [program = ""] = readArguments(pid, procRoot);
  const file = program.split(" ")[0]?.split("/").at(-1) ?? "";
  // A name that was cut is known by its begin.
  const whole = comm.length === COMM_CHARS && file.startsWith(comm) ? file : comm;
  return [comm, whole, file.replace(/:$/, "")];
}

function hasAncestorIn(
  pids: ReadonlySet<number>,
  pid: number,
  parents: ReadonlyMap<number, number>,
): boolean {
  const seen = new Set<number>([pid]);
  for (let at = parents.get(pid); at !== undefined && !seen.has(at); at = parents.get(at)) {
    if (pids.has(at)) return true;
    seen.add(at);
  }
  return false;
}
