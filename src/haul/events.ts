/**
 * What a migration tells while it runs. Stage events come in a fixed order and feed progress, JSON
 * and hooks alike; `transition` shows each step of the state tables.
 *
 * @module
 */

import type { ErrorCode } from "../errors.ts";
import type { StopReason } from "../migrate/policy.ts";
import type { FindingNote, HostsVersions, IterationFigures, Prediction } from "./event_facts.ts";
import type { FileFigures } from "./files/phaul_files.ts";
import type { Side } from "../migrate/tables.ts";
import type { Step } from "../wire/mod.ts";

export * from "./event_facts.ts";

/** How often `progress` is told while pages travel. */
export const PROGRESS_MS = 500;

/** Where the process tree is, for the first line of any report. */
export type Whereabouts = "source" | "destination" | "in-doubt" | "gone";

/** The stages of a migration; both sides pass through those that concern them, in this order. */
export type Stage =
  | "checked"
  | "connected"
  | "iteration-begin"
  | "iteration-end"
  | "frozen"
  | "prepared"
  | "committed"
  | "running"
  | "drained"
  | "aborted";

/** One event. */
export type HaulEvent =
  | {
    readonly event: "listening";
    readonly host: string;
    readonly port: number;
    /** Where CRIUs may send pages themselves; absent when they may not. */
    readonly directPort?: number;
    /** Where the token lies that a source must hold; absent when insecure. */
    readonly tokenFile?: string;
  }
  | {
    readonly event: "checked";
    readonly migration: string;
    readonly pid: number;
    readonly comm: string;
    readonly processes: number;
    readonly memoryBytes: number;
  }
  | {
    /** What was found before anything was touched: first of the tree, then of the hosts. */
    readonly event: "examined";
    readonly migration: string;
    readonly hosts?: HostsVersions;
    readonly findings: readonly FindingNote[];
  }
  | { readonly event: "connected"; readonly migration: string; readonly peer: string }
  | {
    /** A destination takes a migration in. */
    readonly event: "admitted";
    readonly migration: string;
    /** The root's pid in its innermost pid namespace. */
    readonly pid: number;
    readonly comm: string;
    readonly processes: number;
    readonly memoryBytes: number;
    /** The source, as its connection shows it. */
    readonly peer: string;
  }
  | {
    /** What the destination says that it did, and how long before its answer. */
    readonly event: "destination-steps";
    readonly migration: string;
    readonly steps: readonly Step[];
  }
  | {
    readonly event: "iteration-begin";
    readonly migration: string;
    readonly iteration: number;
    readonly final: boolean;
  }
  | {
    readonly event: "progress";
    readonly migration: string;
    readonly iteration: number;
    readonly pagesWritten: number;
    readonly bytes: number;
  }
  | ({ readonly event: "iteration-end"; readonly migration: string } & IterationFigures)
  | ({ readonly event: "predicted"; readonly migration: string } & Prediction)
  | {
    readonly event: "throttled";
    readonly migration: string;
    /** What the tree is left of the CPU time that it used by itself; 100 when it was put back. */
    readonly cpuPercent: number;
  }
  | { readonly event: "converged"; readonly migration: string; readonly reason: StopReason }
  | { readonly event: "frozen"; readonly migration: string }
  | { readonly event: "prepared"; readonly migration: string }
  | { readonly event: "committed"; readonly migration: string }
  | { readonly event: "running"; readonly migration: string; readonly pid?: number }
  | {
    readonly event: "probed";
    readonly migration: string;
    /** The tree runs; else it stands still, before the commit. */
    readonly runs: boolean;
    readonly passed: boolean;
    readonly how: string;
  }
  | {
    /** From the switchover on the tree depends on both hosts, until it is drained. */
    readonly event: "lending";
    readonly migration: string;
    /** Bytes that the destination fetches afterwards. */
    readonly bytes: number;
    /** How long that will take, as fast as memory travelled before; absent where that is not known. */
    readonly predictedMs?: number;
  }
  | {
    /** How far the destination is with the memory that was left on the source. */
    readonly event: "draining";
    readonly migration: string;
    readonly pages: number;
    readonly pagesLeft: number;
    /** So often a process has waited for such memory, and how long: half of the last, and 99 of 100. */
    readonly waits: number;
    readonly waitMedianUs: number;
    readonly waitP99Us: number;
  }
  | { readonly event: "drained"; readonly migration: string }
  | ({
    /** A way of --fs has done a step. */
    readonly event: "files";
    readonly migration: string;
    readonly phase: FilesPhase;
    /** As it was given, such as `tree:/srv/app`. */
    readonly strategy: string;
    readonly durationMs: number;
  } & FileFigures)
  | {
    readonly event: "files-progress";
    readonly migration: string;
    readonly phase: FilesPhase;
    readonly strategy: string;
    /** Of this step so far. */
    readonly sentBytes: number;
  }
  | {
    /** An archive was read and is whole. */
    readonly event: "verified";
    readonly migration: string;
    readonly archive: string;
    readonly pid: number;
    readonly comm: string;
    readonly processes: number;
    readonly memoryBytes: number;
  }
  | {
    readonly event: "aborted";
    readonly migration: string;
    readonly code: ErrorCode;
    readonly message: string;
    readonly whereabouts: Whereabouts;
  }
  | {
    /** A role goes on where a phaul that died had got to. */
    readonly event: "reopened";
    readonly migration: string;
    readonly side: Side;
    readonly comm: string;
    /** What its journal and what is left come to, by the state tables. */
    readonly because: string;
  }
  | { readonly event: "warning"; readonly migration?: string; readonly message: string }
  | {
    readonly event: "transition";
    readonly migration: string;
    readonly side: Side;
    readonly from: string;
    readonly on: string;
    readonly to: string;
  };

/** Receives events, in order; must not throw. */
export type EventSink = (event: HaulEvent) => void;

/** When files are brought over: first, between iterations, and while the tree is frozen. */
export type FilesPhase = "begin" | "sync" | "final";

/** What all files of a migration came to; `final` is what of it was while the tree was frozen. */
export interface FilesSummary extends FileFigures {
  readonly final: FileFigures & { readonly durationMs: number };
}

/** When something began, in milliseconds since the migration did. */
export interface TimelineEntry {
  /** A stage, `iteration-N`, `final-dump`, or a step of a destination. */
  readonly name: string;
  /** Who got there. What the destination did is as late as its answer was under way. */
  readonly on: Side;
  readonly atMs: number;
}

/** What a switchover was made of. */
export interface SwitchoverParts {
  /** From the freeze until all was dumped, and its pages were on their way. */
  readonly dumpMs: number;
  /** From there until the destination held the restored tree: the images, and CRIU's restore. */
  readonly restoreMs: number;
  /** From there until it ran: journals, the end of the source's copy, the commit. */
  readonly handoverMs: number;
}

/** What a probe of the tree that runs on the destination came to. */
export interface Probed {
  readonly passed: boolean;
  /** How its command ended, the last time. */
  readonly how: string;
}

/** What a finished export comes to. */
export interface ExportSummary extends MigrationSummary {
  readonly archive: string;
  /** Of the file. */
  readonly archiveBytes: number;
}

/** What a finished restore of an archive comes to. */
export interface RestoreSummary {
  /** The archive's id: that of the migration which made it. */
  readonly migration: string;
  readonly archive: string;
  /** Root of the tree on this host. */
  readonly pid: number;
  readonly comm: string;
  readonly processes: number;
  readonly memoryBytes: number;
  readonly totalMs: number;
}

/** What a finished migration comes to. */
export interface MigrationSummary {
  readonly migration: string;
  readonly iterations: readonly IterationFigures[];
  /** Why pre-copy ended; absent for stop-and-copy. */
  readonly stopReason?: StopReason;
  /** From the freeze until the destination said that the tree runs, by this host's clock. */
  readonly switchoverMs: number;
  /** The same as it was predicted last; only with a downtime budget. */
  readonly predictedMs?: number;
  readonly maxDowntimeMs?: number;
  readonly totalMs: number;
  /** Bytes of all page streams. */
  readonly bytes: number;
  /** What of them travelled. */
  readonly sentBytes: number;
  /** Only when there was one. */
  readonly probed?: Probed;
  /** Only with --fs. */
  readonly files?: FilesSummary;
  /** What the switchover was made of, and when each stage was reached. */
  readonly switchover?: SwitchoverParts;
  readonly timeline?: readonly TimelineEntry[];
}
