/**
 * The requests of the control link as a tagged union, and what they hold; docs/protocol.md says what
 * each one means. Their answers are in replies.ts.
 *
 * @module
 */

import type { CheckRequest } from "./check_messages.ts";
import type { FileMoves, OfferFilesRequest, SyncFilesRequest } from "./files_messages.ts";

/** One task of the tree: its pid in the innermost pid namespace and how it was before the freeze. */
export interface ProcessSummary {
  readonly pid: number;
  readonly stopped: boolean;
  readonly zombie: boolean;
}

/** A TCP connection of the tree, by the addresses in its packets: IPv4 or IPv6 as people write them. */
export interface Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** What lies behind a path that the tree uses. */
export type FileKind = "file" | "directory" | "device" | "fifo" | "socket";

/** A file that must be on the destination too; `size` in bytes counts for the kind `file` only. */
export interface FileFact {
  readonly path: string;
  readonly size: number;
  readonly kind: FileKind;
  /** Permission bits. */
  readonly mode: number;
  /** A log: its size may differ. */
  readonly appendOnly: boolean;
  /** Of a program or library, where it has one. */
  readonly buildId?: Uint8Array;
  /** When its content changed last, in milliseconds since 1970; told of files that may move along. */
  readonly modifiedMs?: number;
  /** SHA-256 of its content, where that was cheap to have. */
  readonly digest?: Uint8Array;
}

/** CRIU's modes of `--manage-cgroups-mode`, by CRIU's names. */
export type ManageCgroupsMode = "ignore" | "none" | "props" | "soft" | "full" | "strict";

/** The options of CRIU's restore that the source chooses, under CRIU's names. */
export interface RestoreOptions {
  readonly shellJob: boolean;
  readonly tcpEstablished: boolean;
  readonly tcpClose: boolean;
  readonly extUnixSk: boolean;
  readonly fileLocks: boolean;
  readonly linkRemap: boolean;
  readonly manageCgroupsMode?: ManageCgroupsMode;
  readonly external: readonly string[];
}

/** How the destination holds the restored tree: stopped by CRIU, or inside the post-restore notify. */
export type HoldMode = "stopped" | "notify";

/**
 * How the tree gets its memory back: `eager` while it is restored; `lazy` afterwards, by demand, from the
 * destination's own memory; `auto` lazily where the destination can.
 */
export type RestoreMode = "auto" | "lazy" | "eager";

/** Opens a migration: what comes, and what must hold on the destination. */
export interface BeginRequest {
  readonly type: "begin";
  /** 32 lower-case hex digits, new for each migration. */
  readonly migrationId: string;
  /** The root's pid in the innermost pid namespace. */
  readonly rootPid: number;
  readonly processes: readonly ProcessSummary[];
  /** The root's command name. */
  readonly comm: string;
  /** The source's CRIU, such as `4.1.1`. */
  readonly criuVersion: string;
  /** The source's machine as uname says it: `x86_64`, `aarch64`. */
  readonly arch: string;
  /** In bytes. */
  readonly pageSize: number;
  /** The tree is led by the init of a pid namespace of its own, so no pid can be taken already. */
  readonly ownPidNamespace: boolean;
  readonly restore: RestoreOptions;
  readonly holdMode: HoldMode;
  readonly files: readonly FileFact[];
  /** Images and pages are to be on the destination's disk, fsynced, before it answers `ready`. */
  readonly durable: boolean;
  /** What the tree has in memory now: about as much will come. */
  readonly memoryBytes: number;
  readonly restoreMode: RestoreMode;
  /** CRIU is to send pages over a TCP connection of its own, as plain text. */
  readonly direct: boolean;
  /** Codes of findings that are not to stop it. */
  readonly skippedChecks: readonly string[];
  /** Pages may stay in the tree at the final dump, and come late. */
  readonly late: boolean;
  /** Files that come along; none when not given. */
  readonly moves?: FileMoves;
}

/** How a pages stream is packed; nothing is where nothing is said. */
export interface PackingTerms {
  /** In blocks that leave zeros out. */
  readonly packed?: boolean;
  /** Blocks may be compressed too. */
  readonly zstd?: boolean;
}

/** Asks the destination to be ready for the pages of an iteration; `final` is the dump itself. */
export interface StartIterationRequest extends PackingTerms {
  readonly type: "start-iteration";
  /** From 1, one more each time. */
  readonly iteration: number;
  readonly final: boolean;
}

/**
 * Ends an iteration: both sides must have seen the same page stream. Of pages that went directly the
 * source saw none.
 */
export interface StopIterationRequest {
  readonly type: "stop-iteration";
  readonly iteration: number;
  /** Bytes of the page stream from source to destination. */
  readonly pageBytes?: number;
  /** Their XXH3-128, 32 lower-case hex digits. */
  readonly pageHash?: string;
}

/** Restores and holds the tree, once all images came through the images stream. */
export interface PrepareRequest {
  readonly type: "prepare";
  /** The tree as the dump froze it; it may have changed since `begin`. */
  readonly processes: readonly ProcessSummary[];
  /** Held back on the destination until the commit; empty without `tcpEstablished`. */
  readonly connections: readonly Connection[];
  readonly imageCount: number;
  readonly imageBytes: number;
}

/** The tree is dead on the source: the destination runs it. */
export interface CommitRequest {
  readonly type: "commit";
  readonly migrationId: string;
  /** An operator says so, whatever the source's journal tells. */
  readonly forced: boolean;
}

/** The source keeps the tree: the destination discards all it has of it. */
export interface AbortRequest {
  readonly type: "abort";
  readonly migrationId: string;
  readonly reason: string;
  /** An operator says so, whatever the source's journal tells. */
  readonly forced: boolean;
}

/** Asks how the tree does, by a shell command that is run on the destination. */
export interface ProbeRequest {
  readonly type: "probe";
  readonly migrationId: string;
  readonly command: string;
  /** A tree that runs is tried again for so long; one that stands still once, and at most so long. */
  readonly timeoutMs: number;
}

/** Opens the stream of late pages, in place of the one before. */
export interface FetchLateRequest {
  readonly type: "fetch-late";
  readonly migrationId: string;
}

/** The source has the answer to its verdict and will not ask again. */
export interface ForgetRequest {
  readonly type: "forget";
  readonly migrationId: string;
}

/** Asks what the destination has; changes nothing. */
export interface InquireRequest {
  readonly type: "inquire";
  /** All migrations when not given. */
  readonly migrationId?: string;
}

/** Asks a destination to give a migration up, as far as it still may; answered with how it stands then. */
export interface CancelRequest {
  readonly type: "cancel";
  readonly migrationId: string;
}

/** Everything that concerns one migration. */
export type MigrationRequest = Exclude<Request, CheckRequest | InquireRequest | CancelRequest>;

/** Everything that a side may ask of the other. */
export type Request =
  | CheckRequest
  | BeginRequest
  | StartIterationRequest
  | StopIterationRequest
  | PrepareRequest
  | CommitRequest
  | AbortRequest
  | ProbeRequest
  | FetchLateRequest
  | ForgetRequest
  | InquireRequest
  | CancelRequest
  | OfferFilesRequest
  | SyncFilesRequest;
