/**
 * What events tell of: figures, predictions, findings and hosts.
 *
 * @module
 */

import type { Severity } from "../check/mod.ts";
import type { Side } from "../migrate/tables.ts";

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
