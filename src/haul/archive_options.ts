/**
 * What a migration into a file, and a restore from one, are told.
 *
 * @module
 */

import type { MigrateOptions, RoleOptions } from "./options.ts";

/** A migration into a file, which has no peer, no link and nothing that runs there. */
export interface ExportOptions extends
  Omit<
    MigrateOptions,
    | ("peer" | "tokenFile" | "insecure" | "restoreMode" | "bandwidth" | "compression")
    | ("channel" | "probe" | "budget" | "durable" | "archive")
  > {
  /** The file, by its absolute path; it must not be there yet. */
  readonly archive: string;
}

/** A restore from such a file. */
export interface ArchiveRestoreOptions extends Omit<RoleOptions, "insecure" | "durable"> {
  readonly archive: string;
  /** Behind this socket a criu is found that restores; phaul's own child when not given. */
  readonly criuSocket?: string;
  /** Also when this host has restored it before. */
  readonly again?: boolean;
  /** Codes of findings (docs/checks.md) that are not to stop it. */
  readonly skippedChecks?: readonly string[];
}
