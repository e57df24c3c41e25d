/**
 * What the roles are told: the options of a migration, of a server and of the selftest.
 *
 * @module
 */

import type { DowntimeBudget } from "../migrate/budget.ts";
import type { FileStrategy } from "./files/phaul_files.ts";
import type { IterationLimits } from "../migrate/policy.ts";

export type { FileFigures, FileStrategy, PhaulFiles } from "./files/phaul_files.ts";
export type { DowntimeBudget, OnMiss } from "../migrate/budget.ts";

/**
 * How memory travels: iterated while the tree runs; all at once while it is frozen; once it runs on the
 * destination (`post-copy`), or both (`hybrid`): iterated first, and what was written since afterwards;
 * `auto` iterates, and leaves the rest for afterwards where iterating does not help enough.
 */
export type MigrationMode = "pre-copy" | "stop-and-copy" | "post-copy" | "hybrid" | "auto";

/** Whether memory may stay on the source at the switchover. */
export function mayLend(mode: MigrationMode): boolean {
  return mode === "post-copy" || mode === "hybrid" || mode === "auto";
}

/**
 * How the tree gets its memory back: `eager` while it is restored; `lazy` afterwards, by demand, from the
 * destination's own memory; `auto` lazily where the destination can.
 */
export type RestoreMode = "auto" | "lazy" | "eager";

/** A TCP address. */
export interface HostAddress {
  readonly host: string;
  readonly port: number;
}

/** The port that `phaul serve` listens on unless told otherwise. */
export const DEFAULT_PORT = 7284;

/** Deadlines, all in milliseconds. */
export interface Timeouts {
  /** To reach the peer and finish the opening of a connection. */
  readonly connectMs: number;
  /** For any one step that the peer, or a criu that restores, is asked for. */
  readonly stepMs: number;
  /** Silence after which a peer is taken for dead. */
  readonly peerSilentMs: number;
  /** Time without any progress of a dump, or of taking it in, after which the migration is given up. */
  readonly stallMs: number;
  /** How long a source goes on asking for the acknowledgement of its commit. */
  readonly commitMs: number;
}

/** How long a probe may take, unless told otherwise. */
export const DEFAULT_PROBE_MS = 30_000;

/** The deadlines used where none are given. */
export const DEFAULT_TIMEOUTS: Timeouts = {
  connectMs: 10_000,
  stepMs: 120_000,
  peerSilentMs: 15_000,
  stallMs: 30_000,
  commitMs: 600_000,
};

/** How long a phaul serve that ends lets running migrations go on, unless told otherwise. */
export const DEFAULT_DRAIN_MS = 60_000;

/** CRIU's cgroup modes, by CRIU's names. */
export type CgroupMode = "ignore" | "none" | "props" | "soft" | "full" | "strict";

/** The options of CRIU that phaul hands through, under CRIU's names. */
export interface CriuFlags {
  readonly tcpEstablished: boolean;
  readonly tcpClose: boolean;
  readonly shellJob: boolean;
  readonly extUnixSk: boolean;
  readonly fileLocks: boolean;
  readonly linkRemap: boolean;
  /** Largest deleted file that may travel inside the images, in bytes; CRIU's default is 1 MiB. */
  readonly ghostLimitBytes?: number;
  /** `soft` in CRIU when not given. */
  readonly manageCgroupsMode?: CgroupMode;
  readonly external: readonly string[];
}

/** No option of CRIU set; its own default is to put a tree into cgroups of the source's names. */
export const NO_CRIU_FLAGS: CriuFlags = {
  tcpEstablished: false,
  tcpClose: false,
  shellJob: false,
  extUnixSk: false,
  fileLocks: false,
  linkRemap: false,
  manageCgroupsMode: "ignore",
  external: [],
};

/** The criu that dumps: phaul's own child, or the worker of a service. */
export interface CriuChoice {
  /** Looked for on PATH when not given. */
  readonly criuPath?: string;
  /**
   * The socket of a running `criu service`, which counts before the path. It takes no page channel: all
   * memory goes to the images dir while the tree is frozen.
   */
  readonly criuService?: string;
}

/** What both roles need to know of their host. */
export interface RoleOptions {
  /** Identity and token live here; made with mode 0700 when missing. */
  readonly stateDir: string;
  /** Images and logs of a migration live below it; on tmpfs unless told otherwise. */
  readonly workDir?: string;
  /** The criu to drive; looked for on PATH when not given. */
  readonly criuPath?: string;
  /** Plain TCP without any proof of who the peer is. */
  readonly insecure: boolean;
  /** Program run, and waited for, at each stage. */
  readonly hook?: string;
  /** Images stay where they are when a migration has ended. */
  readonly keepImages?: boolean;
  /** Images are to survive a power cut of the destination. */
  readonly durable?: boolean;
  readonly timeouts: Timeouts;
}

/** Whether pages are compressed on their way: all of them, none, or as long as that saves time. */
export type Compression = "zstd" | "off" | "auto";

/** How pages travel: through both phauls, or from CRIU over plain TCP, for trusted networks. */
export type PageChannelKind = "relay" | "direct";

/** What the page path may use of the link, in bytes per second; no bound where none is given. */
export interface BandwidthLimits {
  /** While the tree runs. */
  readonly preCopy?: number;
  /** While it stands still: pages of the final dump, and the images. */
  readonly final?: number;
}

/** How an operator names the root of a tree. */
export type VictimChoice =
  | { readonly by: "pid"; readonly pid: number }
  /** Its command name, or its program's. */
  | { readonly by: "name"; readonly name: string }
  | { readonly by: "pidfile"; readonly path: string }
  /** The main process of a systemd unit. */
  | { readonly by: "unit"; readonly unit: string };

/** Commands that a shell runs on the destination, to see how the tree does there. */
export interface ProbeOptions {
  /** Once the tree runs, until it succeeds or time is over; what it finds is only told. */
  readonly running?: string;
  /** Once, on the copy that stands still, before the commit; a failure gives the migration up. */
  readonly stopped?: string;
  /** For each of both, in milliseconds. */
  readonly timeoutMs: number;
}

/** One migration, seen from the source. */
export interface MigrateOptions extends RoleOptions, CriuChoice {
  /** Root of the process tree to move. */
  readonly pid: number;
  readonly peer: HostAddress;
  /** The destination's join token. */
  readonly tokenFile: string;
  readonly mode: MigrationMode;
  readonly restoreMode: RestoreMode;
  readonly limits: IterationLimits;
  /** How long the switchover may take; the limits alone decide when not given. */
  readonly budget?: DowntimeBudget;
  readonly criu: CriuFlags;
  readonly bandwidth?: BandwidthLimits;
  /** `off` when not given. Through the relay zero pages are not sent, whatever this is. */
  readonly compression?: Compression;
  /** `relay` when not given. */
  readonly channel?: PageChannelKind;
  /** The tree may stand frozen for so long before the commit, in milliseconds; no bound by itself. */
  readonly maxFrozenMs?: number;
  readonly probe?: ProbeOptions;
  /** A systemd unit whose main process moves is kept from being started again on the source. */
  readonly releaseUnit?: boolean;
  /** Codes of findings (docs/checks.md) that are not to stop the migration. */
  readonly skippedChecks?: readonly string[];
  /** Which files come along; none when not given. */
  readonly fs?: readonly FileStrategy[];
  /** What is in their place on the destination may be replaced, where that allows it. */
  readonly overwrite?: boolean;
  /** The tree goes into this file and the peer is asked nothing: what `exportTree` sets. */
  readonly archive?: string;
}

/** A plan: a migration up to where it would freeze the tree. */
export interface PlanOptions extends
  Omit<
    MigrateOptions,
    "mode" | "budget" | "hook" | "releaseUnit" | "maxFrozenMs" | "probe" | "criuService"
  > {
  /** How long the switchover may take; what is reached is told where nothing is said. */
  readonly maxDowntimeMs?: number;
}

/** A check of this host, and of what else is named. */
export interface CheckOptions extends CriuChoice {
  /** Root of a process tree on this host. */
  readonly pid?: number;
  readonly peer?: HostAddress;
  readonly tokenFile: string;
  readonly insecure: boolean;
  readonly workDir?: string;
  readonly criu: CriuFlags;
  readonly releaseUnit?: boolean;
  readonly fs?: readonly FileStrategy[];
  readonly overwrite?: boolean;
  readonly timeouts: Timeouts;
}

/** What a destination lets its peers have. */
export interface ServeLimits {
  /** Migrations under way at once. */
  readonly maxMigrations: number;
  /** Control connections of peers that proved themselves. */
  readonly maxConnections: number;
  /** Connections of peers that have not proved themselves yet. */
  readonly maxUnproved: number;
  /** Images and pages that one migration may bring; no bound of its own unless given. */
  readonly maxImageBytes?: number;
  /** What all of them together must leave free where the work dir lies. */
  readonly keepFreeBytes: number;
}

/** The limits used where none are given. */
export const DEFAULT_SERVE_LIMITS: ServeLimits = {
  maxMigrations: 16,
  maxConnections: 256,
  maxUnproved: 64,
  keepFreeBytes: 16 * 2 ** 20,
};

/** A destination that waits for migrations. */
export interface ServeOptions extends RoleOptions {
  readonly listen: HostAddress;
  readonly limits?: ServeLimits;
  /** Directories that sources may have made or replaced, with all below; none when not given. */
  readonly allowedPaths?: readonly string[];
  /** Behind this socket each connection finds a criu that restores; phaul's own child when not given. */
  readonly criuSocket?: string;
  /** Pages may come directly to this port; not at all when not given. */
  readonly directPort?: number;
  /** Where figures for Prometheus are given to anybody who asks; nowhere when not given. */
  readonly metrics?: HostAddress;
  /** How long running migrations may go on once it is told to end, in milliseconds; a minute by itself. */
  readonly drainMs?: number;
}

/** What the operator says when the journals cannot tell which copy goes on. */
export type Force = "source" | "destination";

/** A recovery of what a phaul that died left on this host. */
export interface RecoverOptions {
  readonly stateDir: string;
  /** One migration; all when not given. */
  readonly migration?: string;
  readonly force?: Force;
  readonly criuPath?: string;
  readonly workDir?: string;
  readonly timeouts: Timeouts;
}

/** Whose migrations are to be told of. */
export interface StatusOptions {
  readonly stateDir: string;
  /** One migration; all when not given. */
  readonly migration?: string;
  /** Of the phaul serve there, instead of this host's. */
  readonly peer?: HostAddress;
  readonly tokenFile: string;
  readonly insecure: boolean;
  readonly timeouts: Timeouts;
}

/** A migration that is to be cancelled from outside. */
export interface CancelOptions {
  readonly stateDir: string;
  readonly migration: string;
  readonly timeouts: Timeouts;
}

/** A migration of a small counter to this same host. */
export interface SelftestOptions {
  readonly criuPath?: string;
  readonly workDir?: string;
}
