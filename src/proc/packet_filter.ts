/**
 * Drops the packets of chosen TCP connections, in a table of its own: it meets neither CRIU's locks nor
 * the operator's rules.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { type Connection, flowsOf } from "./connections.ts";
import { outputOf, runTool, type ToolRunner } from "./tools.ts";

/** Before any other chain sees them, and before they are tracked: the kernel's raw priority. */
const PRIORITY = "raw";
/** The kernel's limit for the name of a chain is 28. */
const CHAIN_ID_LENGTH = 20;
const HOOKS = ["prerouting", "output"] as const;

/** How packets are dropped on this host. */
export interface PacketFilter {
  /**
   * Drops all packets of `connections`, in both directions, from now on; what this filter dropped for
   * `migration` before is replaced in the same step. Nothing is set up for no connection.
   */
  drop(migration: string, connections: readonly Connection[]): Promise<void>;
  /** Drops nothing for `migration` any more; harmless when it did not. */
  lift(migration: string): Promise<void>;
}

/**
 * The packet filter of this host: nft, else iptables.
 *
 * @throws PhaulError `destination-unfit` when neither can be used
 */
export async function findPacketFilter(run: ToolRunner = runTool): Promise<PacketFilter> {
  if (await outputOf(run, "nft", ["list", "tables"]) !== undefined) return nftFilter(run);
  if (await outputOf(run, "iptables-save", ["-t", "raw"]) !== undefined) return iptablesFilter(run);
  throw new PhaulError(
    "destination-unfit",
    "Cannot hold TCP connections back: neither nft nor iptables can be used on this host",
    { remedy: "Install nftables here, or have the connections closed with --tcp-close" },
  );
}

function nftFilter(run: ToolRunner): PacketFilter {
  return {
    drop: async (migration, connections) => {
      if (connections.length > 0) await run("nft", ["-f", "-"], nftDrop(migration, connections));
    },
    lift: async (migration) => void await run("nft", ["-f", "-"], nftLift(migration)),
  };
}

function tableOf(migration: string): string {
  return `inet phaul-${migration}`;
}

/** nft has no "delete if it is there": a table that was just added is there. */
function nftLift(migration: string): string {
  return `add table ${tableOf(migration)}\ndelete table ${tableOf(migration)}\n`;
}

function nftDrop(migration: string, connections: readonly Connection[]): string {
  const families = ([["ip", "ipv4_addr", false], ["ip6", "ipv6_addr", true]] as const)
    .map(([family, type, six]) => ({
      family,
      type,
      elements: connections.filter((c) => isIpv6(c) === six).flatMap(flowsOf)
        .map(({ from, fromPort, to, toPort }) => `${from} . ${fromPort} . ${to} . ${toPort}`),
    }))
    .filter(({ elements }) => elements.length > 0);
  const sets = families.map(({ family, type, elements }) =>
    `set ${family}_connections {\n` +
    `type ${type} . inet_service . ${type} . inet_service\n` +
    `elements = { ${elements.join(", ")} }\n}`
  );
  const rules = families.map(({ family }) =>
    `${family} saddr . tcp sport . ${family} daddr . tcp dport @${family}_connections drop`
  );
  const chains = HOOKS.map((hook) =>
    `chain ${hook} {\ntype filter hook ${hook} priority ${PRIORITY}; policy accept;\n` +
    `${rules.join("\n")}\n}`
  );
  return nftLift(migration) +
    `table ${tableOf(migration)} {\n${[...sets, ...chains].join("\n")}\n}\n`;
}

/** iptables has a table for each family, and chains instead of tables of one's own. */
function iptablesFilter(run: ToolRunner): PacketFilter {
  const commit = async (restore: string, lines: readonly string[]) => {
    if (lines.length > 0) await run(restore, ["--noflush"], `*raw\n${lines.join("\n")}\nCOMMIT\n`);
  };
  const liftOf = async (save: string, migration: string) =>
    removalOf(chainOf(migration), await outputOf(run, save, ["-t", "raw"]) ?? "");
  return {
    drop: async (migration, connections) => {
      for (const { save, restore, six } of FAMILIES) {
        const some = connections.filter((c) => isIpv6(c) === six);
        await commit(restore, await liftOf(save, migration));
        if (some.length > 0) await commit(restore, chainDropping(chainOf(migration), some));
      }
    },
    lift: async (migration) => {
      for (const { save, restore } of FAMILIES) {
        await commit(restore, await liftOf(save, migration));
      }
    },
  };
}

const FAMILIES = [
  { save: "iptables-save", restore: "iptables-restore", six: false },
  { save: "ip6tables-save", restore: "ip6tables-restore", six: true },
] as const;

function chainOf(migration: string): string {
  return `phaul-${migration.slice(0, CHAIN_ID_LENGTH)}`;
}

function chainDropping(chain: string, connections: readonly Connection[]): string[] {
  return [
    `:${chain} - [0:0]`,
    ...connections.flatMap(flowsOf).map(({ from, fromPort, to, toPort }) =>
      `-A ${chain} -p tcp -s ${from} --sport ${fromPort} -d ${to} --dport ${toPort} -j DROP`
    ),
    ...HOOKS.map((hook) => `-I ${hook.toUpperCase()} -p tcp -j ${chain}`),
  ];
}

/** The lines that undo what of `chain` stands in the output of iptables-save. */
function removalOf(chain: string, saved: string): string[] {
  const lines = saved.split("\n");
  if (!lines.some((line) => line.startsWith(`:${chain} `))) return [];
  const jumps = lines.filter((line) => line.startsWith("-A ") && line.endsWith(` -j ${chain}`));
  return [...jumps.map((line) => `-D ${line.slice(3)}`), `-F ${chain}`, `-X ${chain}`];
}

function isIpv6({ localAddress }: Connection): boolean {
  return localAddress.includes(":");
}
