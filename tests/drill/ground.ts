/** Where rows take place, whatever it is made of: this host, one guest, or two machines. */

import type { Tick } from "../../vm/witness.ts";
import type { Plan } from "./plan.ts";
import type { Row } from "./row.ts";

/** A process as its host numbers it. */
export interface DrillProcess {
  readonly pid: number;
  readonly parentPid: number;
  /** The kernel's letter: T is stopped, t traced, Z a zombie. */
  readonly state: string;
  readonly command: string;
}

/** One of the two hosts. */
export interface DrillHost {
  readonly name: string;
  /** Where phaul keeps its journals, and where its images; both are small disks of their own. */
  readonly stateDir: string;
  readonly workDir: string;
  /** Runs a command to its end, however that is, and returns what it printed. */
  run(...command: readonly string[]): Promise<string>;
  /** Sends a signal, by its name; a process that is gone already is fine. */
  signal(pid: number, signal: string): Promise<void>;
  processes(): Promise<DrillProcess[]>;
  /** The next phaul that writes `text` in one event stops there. */
  stopAt(text: string): Promise<void>;
  /** Whether a phaul stands where it was to stop. */
  hasStopped(): Promise<boolean>;
  /** Nobody has to stop any more. */
  forgetStop(): Promise<void>;
  /** The hook keeps phaul at a stage for as long as `meanwhile` takes. */
  keptAt(stage: string, meanwhile: () => Promise<void>): Promise<void>;
}

/** One event of `--json`. */
export type DrillEvent = Readonly<Record<string, unknown>> & { readonly event: string };

/** A phaul that was started. */
export interface DrillRun {
  readonly pid: number;
  /** The exit code; 128 and the signal's number when a signal ended it. */
  readonly code: Promise<number>;
  events(): Promise<readonly DrillEvent[]>;
  /** What it said to people. */
  said(): Promise<string>;
}

/** A process that proves by itself that it is right. */
export interface Workload {
  readonly pid: number;
  /** By which its processes are known in a list. */
  readonly mark: string;
  /** Its datagrams so far. */
  ticks(): Promise<readonly Tick[]>;
  /** What is wrong with it, by its own word; undefined when nothing is. `runsOn` is where it runs. */
  damage(runsOn: string | undefined): Promise<string | undefined>;
}

/** Two hosts, a witness outside of them, and a phaul that serves on the second. */
export interface Ground extends AsyncDisposable {
  readonly alpha: DrillHost;
  readonly beta: DrillHost;
  /** Starts a workload on alpha and waits until the witness sees it. */
  startWorkload(random: () => number, mode?: Row["mode"]): Promise<Workload>;
  /** The server on beta; a new one when none runs. */
  server(): Promise<DrillRun>;
  /** The server that was started last, dead or alive. */
  readonly lastServer: DrillRun | undefined;
  /** Starts one; `ready` resolves when it listens. */
  startServer(): Promise<{ readonly run: DrillRun; readonly ready: Promise<void> }>;
  /** Only this host has another mode than the usual one. */
  migrate(pid: number, through: "server" | "proxy", mode?: Row["mode"]): Promise<DrillRun>;
  /** Starts `phaul recover` with further arguments. */
  recover(on: DrillHost, ...args: readonly string[]): Promise<DrillRun>;
  /** The server, and every phaul that was started since the last `clear`, the newest last. */
  readonly runs: readonly DrillRun[];
  /** What the proxy is to do from now on. */
  plan(plan: Plan): Promise<void>;
  /** The id of the plan that the proxy carried out last. */
  planDone(): Promise<string>;
  /** Pulls the cable between the hosts, or puts it back. */
  link(state: "up" | "down"): Promise<void>;
  /** Power off and on, where hosts are machines. */
  reset(host: DrillHost): Promise<void>;
  /** Ends the workloads of a row that is over, and forgets its runs. */
  clear(): Promise<void>;
}

/** Whether it still runs, stopped or not. */
export async function isAlive(phaul: DrillRun): Promise<boolean> {
  const still = Symbol();
  return await Promise.race([phaul.code, Promise.resolve(still)]) === still;
}

/** What fills restored memory in there. */
export async function faultServers(host: DrillHost): Promise<readonly number[]> {
  const all = await host.processes();
  return all.filter(({ command }) => command.includes("fault-server")).map(({ pid }) => pid);
}

/** Its criu processes. */
export async function criuOf(host: DrillHost, phaul: DrillRun): Promise<readonly number[]> {
  const all = await host.processes();
  return all.filter(({ parentPid, command }) =>
    parentPid === phaul.pid && command.includes(" swrk ")
  ).map(({ pid }) => pid);
}
