/**
 * What a command is made of, and what it is given.
 *
 * @module
 */

import type { ArchiveRestoreOptions, ExportOptions } from "../haul/archive_options.ts";
import type { EventSink, ExportSummary, MigrationSummary, RestoreSummary } from "../haul/events.ts";
import type { Cancelled } from "../haul/cancel.ts";
import type { CheckReport } from "../haul/check.ts";
import type {
  CancelOptions,
  CheckOptions,
  CriuChoice,
  MigrateOptions,
  PlanOptions,
  RecoverOptions,
  SelftestOptions,
  ServeOptions,
  StatusOptions,
  VictimChoice,
} from "../haul/options.ts";
import type { MigrationStatus, Recovered } from "../haul/standing.ts";
import type { HistoryEntry } from "../haul/history.ts";
import type { PlanReport } from "../haul/plan.ts";
import type { SelftestReport } from "../haul/selftest.ts";
import type { FlagSet } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

/** The criu of this host. */
export interface FoundCriu {
  readonly path: string;
  /** As criu itself writes it: "4.1.1". */
  readonly version: string;
}

/** What the commands do their work with. `main.ts` loads each only when it is called. */
export interface Roles {
  migrate(o: MigrateOptions, sink: EventSink, signal: AbortSignal): Promise<MigrationSummary>;
  exportTree(o: ExportOptions, sink: EventSink, signal: AbortSignal): Promise<ExportSummary>;
  restoreTree(
    options: ArchiveRestoreOptions,
    sink: EventSink,
    signal: AbortSignal,
  ): Promise<RestoreSummary>;
  serve(
    options: ServeOptions,
    sink: EventSink,
    signal: AbortSignal,
    hurry: AbortSignal,
  ): Promise<void>;
  plan(options: PlanOptions, sink: EventSink, signal: AbortSignal): Promise<PlanReport>;
  check(options: CheckOptions, signal: AbortSignal): Promise<CheckReport>;
  status(options: StatusOptions): Promise<MigrationStatus[]>;
  recover(
    options: RecoverOptions,
    sink: EventSink,
    tell: (recovered: Recovered) => void,
  ): Promise<Recovered[]>;
  cancel(options: CancelOptions): Promise<Cancelled>;
  selftest(o: SelftestOptions, sink: EventSink, signal: AbortSignal): Promise<SelftestReport>;
  /** The newest first. */
  history(stateDir: string): Promise<HistoryEntry[]>;
  findVictim(choice: VictimChoice): Promise<number>;
  /** Rejects with the PhaulError that says what is wrong with the criu of this host. */
  findCriu(choice: CriuChoice): Promise<FoundCriu>;
}

/** What a command runs in. */
export interface Context {
  readonly terminal: Terminal;
  readonly roles: Roles;
}

/** One example of the help. */
export interface Example {
  /** What it is for, as a sentence without a full stop. */
  readonly does: string;
  readonly line: string;
}

/** What the help says about a command. */
export interface CommandHelp {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What stands behind `phaul NAME` in the usage line. */
  readonly usage: string;
  /** Paragraphs. */
  readonly about: readonly string[];
  readonly examples: readonly Example[];
  /** The flags under headings, in the order of the help. */
  readonly flags: readonly FlagGroup[];
}

/** Flags under one heading of the help. */
export interface FlagGroup {
  readonly title: string;
  readonly flags: FlagSet;
}

/** A command. */
export interface Command extends CommandHelp {
  /**
   * Parses its arguments and does its work.
   *
   * @returns The exit code.
   * @throws {PhaulError} What failed, unless it was reported already.
   */
  run(args: readonly string[], context: Context): Promise<number>;
}
