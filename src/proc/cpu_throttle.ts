/**
 * Slows a process tree down by the CPU time of its cgroup, and gives it back.
 *
 * Version 2 of cgroups only. The cgroup has to be the tree's alone: its limit holds for all in it.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { TreeProcess } from "./listing.ts";
import { listNames, PROC_ROOT, readText, statOf } from "./procfs.ts";

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
   * Looks at the cgroup of `processes`, root first; touches nothing. What the tree uses by itself is
   * measured from here on until the first step.
   *
   * @throws PhaulError `feature-missing` when it cannot be slowed down without others, or at all
   */
  static find(processes: readonly TreeProcess[], sources: ThrottleSources = {}): CpuThrottle {
    const { procRoot = PROC_ROOT, nowMs = () => performance.now() } = sources;
    const rootPid = processes[0]?.pid ?? 0;
    const cgroup = cgroupDirectory(rootPid, procRoot);
    if (cgroup === undefined) throw cannot(rootPid, "it is in no cgroup of version 2 of its own");
    const cpuMax = readText(`${cgroup}/cpu.max`)?.trim();
    if (cpuMax === undefined) throw cannot(rootPid, `cgroup "${cgroup}" has no CPU controller`);
    const inside = new Set(pidsBelow(cgroup));
    const outside = processes.find(({ pid, state }) => state !== "zombie" && !inside.has(pid));
    if (outside) throw cannot(rootPid, `process ${outside.pid} of it is not in cgroup "${cgroup}"`);
    const tree = new Set(processes.map(({ pid }) => pid));
    const stranger = [...inside].find((pid) => !tree.has(pid));
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

/** Undefined without version 2, in its root, which has no limits, and where it cannot be reached. */
function cgroupDirectory(pid: number, procRoot: string): string | undefined {
  const [, path] = /^0::(\/.*)$/m.exec(readText(`${procRoot}/${pid}/cgroup`) ?? "") ?? [];
  if (path === undefined || path === "/" || path.startsWith("/..")) return undefined;
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
