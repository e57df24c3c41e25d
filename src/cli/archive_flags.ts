/**
 * `--to-archive`, and what has no sense beside it.
 *
 * @module
 */

import {
  type Compression,
  type HostAddress,
  mayLend,
  type MigrationMode,
  type PageChannelKind,
  type RestoreMode,
} from "../haul/options.ts";
import { maybe, usageError } from "./flags.ts";
import { TOKEN_FILE_FLAG, VICTIM_FLAGS } from "./migrate_flags.ts";
import { filePath, peerAddress } from "./values.ts";

/** The tree, and where it goes: to a host or into a file. */
export const DESTINATION_FLAGS = {
  ...VICTIM_FLAGS,
  peer: maybe<HostAddress>({
    name: "peer",
    placeholder: "HOST[:PORT]",
    help: "Where phaul serve listens (port 7284 unless given)",
    read: peerAddress,
  }),
  tokenFile: TOKEN_FILE_FLAG,
  archive: maybe({
    name: "to-archive",
    placeholder: "FILE",
    help: "Instead of to a peer: into FILE, a compressed archive that phaul restore brings to life",
    read: filePath,
  }),
} as const;

/** Who a migration into a file goes to. */
const NOBODY: HostAddress = { host: "", port: 0 };

/** What of the command line speaks of a peer, or of the link to one. */
type PeerValues =
  & Partial<
    Readonly<
      Record<"bandwidth" | "bandwidthFinal" | "maxDowntimeMs" | "probe" | "probeStopped", unknown>
    >
  >
  & {
    readonly peer?: HostAddress;
    readonly archive?: string;
    readonly tokenFile?: string;
    readonly insecure: boolean;
    readonly durable: boolean;
    readonly mode: MigrationMode;
    readonly fs?: readonly unknown[];
    readonly restoreMode: RestoreMode;
    readonly channel: PageChannelKind;
    readonly compression: Compression;
  };

/**
 * Where the tree goes: exactly one of both.
 *
 * @throws {PhaulError} "usage".
 */
export function destinationOf(
  values: PeerValues,
): { readonly peer: HostAddress; readonly archive?: string } {
  const { peer, archive } = values;
  if (archive === undefined) {
    if (peer !== undefined) return { peer };
    throw usageError("migrate", "Cannot do without --peer HOST[:PORT] or --to-archive FILE");
  }
  const flag = peerFlagIn(values);
  if (flag === undefined) return { peer: NOBODY, archive };
  throw usageError("migrate", `Cannot use ${flag} with --to-archive: a file is no peer`);
}

function peerFlagIn(values: PeerValues): string | undefined {
  const given = {
    "--peer": values.peer !== undefined,
    "--token-file": values.tokenFile !== undefined,
    "--insecure": values.insecure,
    "--durable": values.durable,
    [`--mode ${values.mode}`]: mayLend(values.mode),
    "--fs": values.fs !== undefined && values.fs.length > 0,
    "--restore": values.restoreMode !== "auto",
    "--channel": values.channel !== "relay",
    "--compress": values.compression !== "off",
    "--bandwidth": values.bandwidth !== undefined,
    "--bandwidth-final": values.bandwidthFinal !== undefined,
    "--max-downtime": values.maxDowntimeMs !== undefined,
    "--probe": values.probe !== undefined,
    "--probe-stopped": values.probeStopped !== undefined,
  };
  return Object.entries(given).find(([, isGiven]) => isGiven)?.[0];
}
