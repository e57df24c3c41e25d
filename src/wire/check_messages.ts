/**
 * The messages by which two hosts find out, before anything is touched, whether a tree can move.
 *
 * @module
 */

import type { FileMoves } from "./files_messages.ts";
import type { FileFact } from "./messages.ts";

/** A host as both sides see it. */
export interface HostFacts {
  /** As criu itself writes it: `4.1.1`. */
  readonly criuVersion: string;
  /** The kernel's release: `6.1.0-18-amd64`. */
  readonly kernel: string;
  /** As uname says it: `x86_64`, `aarch64`. */
  readonly arch: string;
  /** In bytes. */
  readonly pageSize: number;
  /** Dirty memory can be tracked: pre-dumps work. */
  readonly dirtyTracking: boolean;
  /** Memory can be filled in after a restore. */
  readonly lazyPages: boolean;
  /** The kernel has time namespaces, in which a tree's monotonic clock goes on evenly. */
  readonly timeNamespaces: boolean;
  /** 2 where only the unified hierarchy is mounted, 1 otherwise. */
  readonly cgroupVersion: number;
  /** One more than the highest pid. */
  readonly pidMax: number;
  /** kernel.yama.ptrace_scope; 0 without Yama. */
  readonly ptraceScope: number;
  /** Capabilities that its role needs and phaul does not have there, such as `CAP_SYS_PTRACE`. */
  readonly lacks: readonly string[];
  /** What still fits where images go, in bytes. */
  readonly roomBytes: number;
  /** Its time of day, in milliseconds since 1970. */
  readonly clockMs: number;
  /** CRIU's cpuinfo.img of it; empty where CRIU writes none. */
  readonly cpuinfo: Uint8Array;
}

/** A user whose processes are in the tree. */
export interface UserFact {
  readonly uid: number;
  /** Its name on the source; empty where it has none. */
  readonly name: string;
}

/** Asks a destination whether it could take a tree in, or only for what it is; changes nothing. */
export interface CheckRequest {
  readonly type: "check";
  readonly host: HostFacts;
  /** Ids of the tree's processes and threads, in the innermost pid namespace. */
  readonly pids: readonly number[];
  readonly ownPidNamespace: boolean;
  readonly files: readonly FileFact[];
  readonly users: readonly UserFact[];
  readonly memoryBytes: number;
  /** Files that would come along. */
  readonly moves?: FileMoves;
}

/** One thing that the destination found. */
export interface FindingFact {
  /** One of the stable codes of docs/checks.md. */
  readonly code: string;
  readonly severity: "blocker" | "warning" | "note";
  readonly message: string;
  readonly remedy?: string;
}

/** The answer to `check`. */
export interface CheckedReply {
  readonly type: "checked";
  readonly host: HostFacts;
  readonly findings: readonly FindingFact[];
}
