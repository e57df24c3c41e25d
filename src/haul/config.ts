/**
 * What a library caller tells phaul's client and server, and the two interfaces between them.
 *
 * @module
 */

import type { CriuSession, Fd } from "../criu/mod.ts";
import type { DowntimeBudget } from "../migrate/budget.ts";
import type { IterationLimits, StopReason } from "../migrate/policy.ts";
import type { CriuFlags, MigrationMode } from "./options.ts";
import type { IterationFigures, Prediction } from "./events.ts";

/** One migration, seen from the source. */
export interface PhaulConfig {
  /** Root of the process tree to move. */
  readonly pid: number;
  /**
   * The memory channel: a connected, blocking stream socket whose other end reaches the destination's
   * {@linkcode PhaulServer}. It stays the caller's, and is shut down when a migration is given up.
   * Without it there is no pre-copy, and all pages lie among the images of the final dump.
   */
  readonly memory?: Fd;
  /** An existing, empty directory: images of iteration N go to `N` below it. */
  readonly workDir: string;
  /** The criu to drive; looked for on PATH when not given. */
  readonly criuPath?: string;
  /** The socket of a running `criu service` to be driven instead; it takes no `memory`. */
  readonly criuService?: string;
  /** `pre-copy` unless told otherwise; falls back to `stop-and-copy` without dirty tracking. */
  readonly mode?: MigrationMode;
  /** When to stop iterating; see `DEFAULT_LIMITS`. */
  readonly limits?: IterationLimits;
  /** How long the switchover may take; the limits alone decide when not given. */
  readonly budget?: DowntimeBudget;
  /** Slows the tree down where the budget says `throttle`; without it, that is as `proceed`. */
  readonly throttle?: Throttle;
  /** CRIU's options for each dump. */
  readonly criu?: CriuFlags;
  /** Gives the migration up as long as the local engine has not taken over. */
  readonly signal?: AbortSignal;
  /** Told what happens; must not throw. */
  readonly observer?: ClientObserver;
}

/** A way to make a tree write less. */
export interface Throttle {
  /**
   * Slows it down one step more.
   *
   * @returns what is left to it, in percent; undefined when there is no step left
   */
  slower(): Promise<number | undefined>;
  /** Puts everything back, at once; called before the final dump and at the end, however it ends. */
  release(): void;
}

/** What a client tells while it iterates. Each call is waited for. */
export interface ClientObserver {
  iterationBegin?(iteration: number, final: boolean): void | Promise<void>;
  iterationEnd?(figures: IterationFigures): void | Promise<void>;
  predicted?(prediction: Prediction): void | Promise<void>;
  converged?(reason: StopReason): void;
  warning?(message: string): void;
}

/** What a client did. */
export interface ClientReport {
  readonly iterations: readonly IterationFigures[];
  /** Why pre-copy ended; absent when there was none. */
  readonly stopReason?: StopReason;
  /** The switchover as it was predicted last, in milliseconds; only with a budget. */
  readonly predictedMs?: number;
}

/**
 * The source's own way to dump, copy and restore, called once memory has been copied ahead.
 *
 * The tree still runs when `dumpCopyRestore` is called. It dumps with `trackMem`, `parentImg` (the
 * last images dir, if there was a pre-dump) and the page channel, over the session passed in, which the
 * pre-dumps kept open; CRIU freezes the tree during that. In the post-dump notify the tree is frozen
 * and its images are complete: there the engine ends the iteration (`stopIter`), sends the images and
 * has the tree restored. Answering the notify with success makes CRIU kill the source's tree; throwing
 * from it makes the tree run on.
 */
export interface PhaulLocal {
  /**
   * Called once memory was copied ahead, before the destination is asked to be ready for the final dump.
   *
   * @param reason Why pre-copy ended; undefined when there was none.
   * @throws when there is to be none
   */
  beforeSwitchover?(reason: StopReason | undefined): Promise<void>;

  /**
   * @param criu The open session; the engine sends the final DUMP over it.
   * @param config The client's own configuration.
   * @param lastImagesDir Images of the last pre-dump; undefined when there was none.
   * @throws when the tree was not moved and runs on at the source
   */
  dumpCopyRestore(
    criu: CriuSession,
    config: PhaulConfig,
    lastImagesDir: string | undefined,
  ): Promise<void>;
}

/** What a remote knows of an iteration that its side saw whole. */
export interface IterationTraffic {
  readonly pages: number;
  readonly bytes: number;
  /** Of these bytes, so many travelled; all of them when not given. */
  readonly sentBytes?: number;
  /** For so long, in milliseconds, it kept to a rate that it was told; nothing when not given. */
  readonly pacedMs?: number;
}

/** The destination as the source reaches it, by whatever calls the caller has. */
export interface PhaulRemote {
  /** Makes the destination ready for the pages of the next iteration. */
  startIter(options: { readonly iteration: number; readonly final: boolean }): Promise<void>;
  /**
   * Resolves once all pages of the iteration are in the destination's images. Harmless when the
   * iteration has ended already: an engine ends the final one itself.
   *
   * @throws when the destination did not get all of it
   */
  stopIter(): Promise<IterationTraffic | void>;
  /** Gives the migration up. Must not throw. */
  abort(): Promise<void>;
}
