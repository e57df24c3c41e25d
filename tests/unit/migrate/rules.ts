/**
 * What a run of the model is about: the tables and recoveries under test, and how the trees are held.
 */

import {
  DESTINATION_TABLE,
  destinationRecovery,
  SOURCE_TABLE,
  sourceRecovery,
} from "../../../src/migrate/tables.ts";

/** The rules that a world obeys. */
export interface Rules {
  readonly source: typeof SOURCE_TABLE;
  readonly destination: typeof DESTINATION_TABLE;
  readonly sourceRecovery: typeof sourceRecovery;
  readonly destinationRecovery: typeof destinationRecovery;
  /** Journal actions whose failed write is a warning only. */
  readonly lenient: ReadonlySet<string>;
  /** Images survive a reset of the destination. */
  readonly durable: boolean;
  /** `notify`: a held copy dies with its phaul. */
  readonly holdMode: "stopped" | "notify";
  /** A tree that is being restored stays behind when its phaul dies, before its journal knows of it. */
  readonly leavesHalf: boolean;
  /** The destination is told to forget before the source's journal is removed. */
  readonly forgetsFirst: boolean;
  /** Operators force, and peers lie. */
  readonly words: boolean;
  /** Memory stays in the tree at the dump, and the destination fetches it later. */
  readonly late: boolean;
  /** That COMMIT was written is taken before whatever came meanwhile. */
  readonly commitComesFirst: boolean;
}

/** The rules as they are. */
export const RULES: Rules = {
  source: SOURCE_TABLE,
  destination: DESTINATION_TABLE,
  sourceRecovery,
  destinationRecovery,
  lenient: new Set([
    "journal-abort",
    "journal-aborted",
    "journal-done",
    "journal-continued",
    "journal-discarded",
  ]),
  durable: false,
  holdMode: "stopped",
  leavesHalf: false,
  forgetsFirst: false,
  words: false,
  late: false,
  commitComesFirst: true,
};
