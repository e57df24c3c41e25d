/**
 * Takes away what stands between a tree's TCP connections and their peers after a migration that ended,
 * however it ended.
 *
 * @module
 */

import { type Connection, flowsOf } from "./connections.ts";
import type { TreeProcess } from "./listing.ts";
import { reviveConnections } from "./repair.ts";
import { findPacketFilter } from "./packet_filter.ts";
import { outputOf, runTool, type ToolRunner } from "./tools.ts";

/** The packets that CRIU's locks let through: its SOCCR_MARK. */
const CRIU_MARK = "--mark 0xc114";

/** What is to be unlocked. */
export interface Locked {
  /** The tree, when it is to run here; none when it is dead here. */
  readonly processes: readonly TreeProcess[];
  /** Its connections, as far as they are known besides. */
  readonly connections: readonly Connection[];
  /** Its migration, for what a destination's packet filter holds back. */
  readonly migration?: string;
}

/**
 * Removes CRIU's locks of a tree's connections and phaul's own, and ends the repair mode that a killed
 * CRIU leaves. May be called again and at any time after CRIU is done with the tree.
 *
 * For a tree that is dead here the address must have moved before: without a lock the kernel answers
 * what still arrives with RST. A tree that was stopped is unlocked before it is continued: in repair mode
 * its reads and writes fail.
 *
 * @throws PhaulError, after all of it was tried, for the first that failed
 */
export async function unlockConnections(
  { processes, connections, migration }: Locked,
  run: ToolRunner = runTool,
): Promise<void> {
  const failures: unknown[] = [];
  const attempt = async <T>(step: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await step();
    } catch (error) {
      failures.push(error);
      return undefined;
    }
  };
  // Twice: the first for the program's sake, as it may run already; the second one's probes get through.
  const alive = await attempt(() => reviveConnections(processes)) ?? [];
  const all = [...connections, ...alive];
  if (all.length > 0) await attempt(() => removeIptablesLocks(all, run));
  if (all.length > 0) await attempt(() => removeNftLocks(all, run));
  if (migration !== undefined) {
    await attempt(async () => (await findPacketFilter(run)).lift(migration));
  }
  await attempt(() => reviveConnections(processes));
  if (failures.length > 0) throw failures[0];
}

/** CRIU appends one rule to INPUT and one to OUTPUT for each connection. */
async function removeIptablesLocks(
  connections: readonly Connection[],
  run: ToolRunner,
): Promise<void> {
  const ours = new Set(connections.flatMap(wordsOf));
  for (const program of ["iptables", "ip6tables"]) {
    const saved = await outputOf(run, `${program}-save`, ["-t", "filter"]) ?? "";
    const rules = saved.split("\n").filter((rule) => ours.has(lockedBy(rule) ?? ""));
    if (rules.length === 0) continue;
    const lines = rules.map((rule) => `-D ${rule.slice("-A ".length)}`);
    await run(`${program}-restore`, ["--noflush"], `*filter\n${lines.join("\n")}\nCOMMIT\n`);
  }
}

/** What a rule of CRIU's in the output of iptables-save locks; undefined when it is no such rule. */
function lockedBy(rule: string): string | undefined {
  if (!rule.startsWith("-A ") || !rule.includes(CRIU_MARK) || !rule.endsWith("-j DROP")) return;
  const value = (option: string) => new RegExp(` ${option} (\\S+)`).exec(rule)?.[1] ?? "";
  const address = (option: string) => value(option).replace(/\/(32|128)$/, "");
  return `${address("-s")} . ${value("--sport")} . ${address("-d")} . ${value("--dport")}`;
}

/** With its nftables method CRIU makes one table for each tree. */
async function removeNftLocks(
  connections: readonly Connection[],
  run: ToolRunner,
): Promise<void> {
  const tables = await outputOf(run, "nft", ["list", "tables", "inet"]) ?? "";
  const ours = connections.flatMap(wordsOf);
  for (const [, name = ""] of tables.matchAll(/^table inet (CRIU-\S+)$/gm)) {
    const listed = await outputOf(run, "nft", ["list", "table", "inet", name]) ?? "";
    const elements = new Set(listed.match(/\S+ \. \d+ \. \S+ \. \d+/g));
    if (ours.some((one) => elements.has(one))) await run("nft", ["delete", "table", "inet", name]);
  }
}

/** The packets of a connection, each direction in the words of nft. */
function wordsOf(connection: Connection): string[] {
  return flowsOf(connection).map(({ from, fromPort, to, toPort }) =>
    `${from} . ${fromPort} . ${to} . ${toPort}`
  );
}
