/**
 * Slows a process tree down by the CPU time of its cgroup, and gives it back.
 *
 * Version 2 of cgroups only. The cgroup has to be the tree's alone: its limit holds for all in it.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { listTree } from "./listing.ts";
import { listNames, PROC_ROOT, readStat, readText, statOf } from "./procfs.ts";

/**
 * The period that is written, in microseconds. Short, since a thread that used its share up is not even
 * frozen before the next one; and odd, since it is how a limit of phaul's is known from anybody else's.
 */
const PERIOD_US = 10_007;
/** The kernel takes no smaller quota. */
const MIN_QUOTA_US = 1000;
/** What is left of the CPU time that the tree used by itself, step by step, in percent. */
const STEPS_PERCENT: readonly number[] = [80, 60, 40, 20, 10];

/** A cgroup and its limit before it was touched: what a recovery needs to put back. */
export interface CpuLimit {
  /** Its directory. */
  readonly cgroup: string;
  /** The text of its cpu.max. */
  readonly cpuMax: string;
}

/** Where to look; this host's unless a test says otherwise. */
export interface ThrottleSources {
  readonly procRoot?: string;
  /** A clock that only goes forward. */
  readonly nowMs?: () => number;
}

/** The CPU time of one tree's cgroup. */
export class CpuThrottle {
  /** As it was found. */
  readonly limit: CpuLimit;
  readonly #nowMs: () => number;
  readonly #begunMs: number;
  readonly #begunUs: number;
  #cpus: number | undefined;
  #step = 0;

  private constructor(limit: CpuLimit, nowMs: () => number) {
    this.limit = limit;
    this.#nowMs = nowMs;
    this.#begunMs = nowMs();
    this.#begunUs = usageUs(limit.cgroup);
  }

  /**
   * Looks at the cgroup of the tree below `rootPid`; touches nothing. What the tree uses by itself is
   * measured from here on until the first step.
   *
   * @throws PhaulError `feature-missing` when it cannot be slowed down without others, or at all;
   * `no-such-process`
   */
  static find(rootPid: number, sources: ThrottleSources = {}): CpuThrottle {
    const { procRoot = PROC_ROOT, nowMs = () => performance.now() } = sources;
    const path = cgroupPath(rootPid, procRoot);
    const cgroup = path && directoryOf(path, procRoot);
    if (!path || !cgroup) throw cannot(rootPid, "it is in no cgroup of version 2 of its own");
    const cpuMax = readText(`${cgroup}/cpu.max`)?.trim();
    if (cpuMax === undefined) throw cannot(rootPid, `cgroup "${cgroup}" has no CPU controller`);
    // In this order: what the tree forks meanwhile is not taken for a stranger.
    const inside = pidsBelow(cgroup);
    const tree = listTree(rootPid, procRoot);
    const outside = tree.find(({ pid, state }) =>
      state !== "zombie" && !isBelow(cgroupPath(pid, procRoot), path)
    );
    if (outside) throw cannot(rootPid, `process ${outside.pid} of it is not in cgroup "${cgroup}"`);
    const known = new Set(tree.map(({ pid }) => pid));
    const stranger = inside.find((pid) => !known.has(pid) && livesOutside(pid, procRoot));
    if (stranger !== undefined) {
      throw cannot(rootPid, `process ${stranger} is in cgroup "${cgroup}" too`);
    }
    return new CpuThrottle({ cgroup, cpuMax }, nowMs);
  }

  /** It is slowed down now. */
  get active(): boolean {
    return this.#step > 0;
  }

  /** There is one more step. */
  get canSlow(): boolean {
    return this.#step < STEPS_PERCENT.length;
  }

  /**
   * Takes one step more.
   *
   * @returns what is left, in percent of the CPU time that the tree used by itself; undefined when
   * there is no step left
   * @throws Deno.errors.* when the limit cannot be written
   */
  slower(): number | undefined {
    const percent = STEPS_PERCENT[this.#step];
    if (percent === undefined) return undefined;
    this.#cpus ??= this.#usedCpus();
    const quotaUs = Math.round(Math.max(MIN_QUOTA_US, this.#cpus * PERIOD_US * percent / 100));
    // Before the write: one that fails half-way is put back as well.
    this.#step++;
    Deno.writeTextFileSync(`${this.limit.cgroup}/cpu.max`, `${quotaUs} ${PERIOD_US}`);
    return percent;
  }

  /**
   * Puts the limit back as it was found; harmless when nothing was changed, or the cgroup is gone.
   *
   * @throws Deno.errors.* when it cannot be written
   */
  release(): void {
    if (!this.active) return;
    this.#step = 0;
    giveCpuBack(this.limit);
  }

  /** How many CPUs the tree kept busy on its own. */
  #usedCpus(): number {
    const passedMs = Math.max(1, this.#nowMs() - this.#begunMs);
    return Math.max(0, usageUs(this.limit.cgroup) - this.#begunUs) / 1000 / passedMs;
  }
}

/**
 * Puts back what a {@linkcode CpuThrottle} has changed, also that of a phaul that died. A limit that is
 * not phaul's is left as it is: whoever set it came later.
 *
 * @throws Deno.errors.* when it cannot be written
 */
export function giveCpuBack({ cgroup, cpuMax }: CpuLimit): void {
  const path = `${cgroup}/cpu.max`;
  if (!readText(path)?.trim().endsWith(` ${PERIOD_US}`)) return;
  Deno.writeTextFileSync(path, cpuMax);
}

function usageUs(cgroup: string): number {
  return Number(/^usage_usec (\d+)$/m.exec(readText(`${cgroup}/cpu.stat`) ?? "")?.[1] ?? 0);
}

/** Of version 2; undefined without it, or without the process. */
function cgroupPath(pid: number, procRoot: string): string | undefined {
  return /^0::(\/.*)$/m.exec(readText(`${procRoot}/${pid}/cgroup`) ?? "")?.[1];
}

/** A process that has no cgroup any more has ended. */
function isBelow(path: string | undefined, above: string): boolean {
  return path === undefined || path === above || path.startsWith(`${above}/`);
}

/** A pid of 0 is a process that cannot be seen from here. */
function livesOutside(pid: number, procRoot: string): boolean {
  return pid === 0 || readStat(pid, procRoot) !== undefined;
}

/** Undefined for the root, which has no limits, and where it cannot be reached. */
function directoryOf(path: string, procRoot: string): string | undefined {
  if (path === "/" || path.startsWith("/..")) return undefined;
  for (const line of (readText(`${procRoot}/self/mountinfo`) ?? "").split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "", directory = ""] = before.split(" ");
    if (!after.startsWith("cgroup2 ")) continue;
    if (root === "/") return directory + path;
    if (path.startsWith(`${root}/`)) return directory + path.slice(root.length);
  }
  return undefined;
}

function pidsBelow(cgroup: string): number[] {
  const own = (readText(`${cgroup}/cgroup.procs`) ?? "").split("\n").filter(Boolean).map(Number);
  const below = listNames(cgroup).map((name) => `${cgroup}/${name}`);
  return [...own, ...below.filter((path) => statOf(path)?.isDirectory).flatMap(pidsBelow)];
}

function cannot(pid: number, why: string): PhaulError {
  return new PhaulError(
    "feature-missing",
    `Cannot slow process ${pid} down when it has to be: ${why}`,
    {
      remedy: "Put the tree alone into a cgroup that has a CPU controller (systemd-run --scope " +
        "-p CPUWeight=100 makes one), or choose another --on-miss",
    },
  );
}
