/**
 * What a migration tells while it runs. Stage events come in a fixed order and feed progress, JSON
 * and hooks alike; `transition` shows each step of the state tables.
 *
 * @module
 */

import type { ErrorCode } from "../errors.ts";
import type { Severity } from "../check/mod.ts";
import type { StopReason } from "../migrate/policy.ts";
import type { Side } from "../migrate/tables.ts";
import type { Step } from "../wire/mod.ts";

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

/** Figures of one iteration. */
export interface IterationFigures {
  /** From 1; the final dump counts as the last iteration. */
  readonly iteration: number;
  /** True for the final dump. */
  readonly final: boolean;
  /** Pages of 4096 bytes that travelled, shared memory included. */
  readonly pagesWritten: number;
  /** Bytes of the page stream, headers included. */
  readonly bytes: number;
  /** What of them travelled: zeros are left out, and the rest may be compressed. */
  readonly sentBytes?: number;
  readonly durationMs: number;
  /** How long CRIU held the tree, by its own statistics; absent when it wrote none. */
  readonly frozenTimeUs?: number;
}

/** The switchover as it is predicted after a pre-dump; only with a downtime budget. */
export interface Prediction {
  /** After which iteration. */
  readonly iteration: number;
  /** From the freeze until the destination's copy runs. */
  readonly switchoverMs: number;
  /** Pages that will have been written when the tree is frozen. */
  readonly dirtyPages: number;
  /** The part of it for these pages, as pre-copy measured it. */
  readonly copyMs: number;
  /** The part of it for the restore, as assumed. */
  readonly restoreMs: number;
  readonly maxDowntimeMs: number;
  /** It is no longer than allowed. */
  readonly fits: boolean;
}

/** What a check found, without the advice. */
export interface FindingNote {
  /** One of the stable codes of docs/checks.md. */
  readonly code: string;
  readonly severity: Severity;
  /** Whose it is: one host's, the tree's on the source, or of the two hosts together. */
  readonly on: Side | "both";
  readonly message: string;
}

/** What a host runs. */
export interface HostVersions {
  readonly criuVersion: string;
  /** The kernel's release. */
  readonly kernel: string;
  readonly arch: string;
}

/** The two hosts of a migration. */
export interface HostsVersions {
  readonly source: HostVersions;
  readonly destination?: HostVersions;
}

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
  | { readonly event: "drained"; readonly migration: string }
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
  /** What the switchover was made of, and when each stage was reached. */
  readonly switchover?: SwitchoverParts;
  readonly timeline?: readonly TimelineEntry[];
}
