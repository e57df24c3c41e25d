/**
 * The records of a journal.
 *
 * @module
 */

import type { JournalMark } from "../migrate/tables.ts";
import type { CpuLimit, ProcessIdentity, TreeProcess } from "../proc/mod.ts";
import type { Address, Connection, HoldMode, ProcessSummary, RestoreOptions } from "../wire/mod.ts";

/** A source's first record: what a phaul that comes after this one needs to finish or to roll back. */
export interface BeginRecord {
  readonly mark: "BEGIN";
  /** Root of the tree. */
  readonly pid: number;
  /** With the pid, the root's identity during one boot. */
  readonly startTimeTicks: string;
  readonly comm: string;
  readonly peer: Address;
  readonly tokenFile: string;
  readonly insecure: boolean;
  /** Holds its images; removed with the journal unless they are to be kept. */
  readonly workDir: string;
  readonly keepImages: boolean;
  /** The phaul that migrates: whom to signal for a cancel. */
  readonly phaul: ProcessIdentity;
  /** The tree goes into that file instead; the peer is nobody then. */
  readonly archive?: string;
}

/** Written before the tree is slowed down: its cgroup and the limit to be put back. */
export interface ThrottledRecord extends CpuLimit {
  readonly mark: "THROTTLED";
}

/** Written before a task is stopped: the frozen tree, each task in the state before the freeze. */
export interface IntentRecord {
  readonly mark: "INTENT";
  readonly tasks: readonly TreeProcess[];
  /** Those that CRIU has locked. */
  readonly connections: readonly Connection[];
}

/** A destination's first record. */
export interface AdmittedRecord {
  readonly mark: "ADMITTED";
  readonly comm: string;
  /** The root's pid in its innermost namespace. */
  readonly rootPid: number;
  readonly holdMode: HoldMode;
  readonly restore: RestoreOptions;
  readonly workDir: string;
  readonly keepImages: boolean;
  readonly durable: boolean;
}

/** A tree was restored and does not run; the newest counts. */
export interface RestoredRecord {
  readonly mark: "RESTORED";
  readonly tasks: readonly TreeProcess[];
}

/** The held tree is complete: in doubt from here on. */
export interface PreparedRecord {
  readonly mark: "PREPARED";
  /** The tree as the source froze it. */
  readonly processes: readonly ProcessSummary[];
  /** Held back until the commit. */
  readonly connections: readonly Connection[];
  readonly imagesDir: string;
}

/** A decision that needs no more words. */
export interface PlainRecord {
  readonly mark: Exclude<
    JournalMark,
    "BEGIN" | "THROTTLED" | "INTENT" | "ADMITTED" | "RESTORED" | "PREPARED"
  >;
}

/** One record of a journal. */
export type JournalRecord =
  | BeginRecord
  | ThrottledRecord
  | IntentRecord
  | AdmittedRecord
  | RestoredRecord
  | PreparedRecord
  | PlainRecord;

/** A record with when and in which boot of the host it was written. */
export interface StampedRecord {
  /** ISO 8601, for people: nothing is decided by it. */
  readonly at: string;
  readonly boot: string;
  readonly record: JournalRecord;
}

/** A journal of one migration on one side. */
export interface Journal {
  /**
   * Resolves once `record` would survive what this journal survives.
   *
   * @throws PhaulError `no-space`, `directory-unusable`; nothing of the record counts then
   */
  record(record: JournalRecord): Promise<void>;
  /** Nothing more will be recorded; what was stays. Closing twice is harmless. */
  close(): void;
  /** Forgets the migration, also when closed: nobody will ask for it any more. */
  remove(): Promise<void>;
}

/** The newest record with that mark. */
export function findRecord<Mark extends JournalMark>(
  records: readonly StampedRecord[],
  mark: Mark,
): Extract<JournalRecord, { mark: Mark }> | undefined {
  const found = records.findLast(({ record }) => record.mark === mark);
  return found?.record as Extract<JournalRecord, { mark: Mark }> | undefined;
}
