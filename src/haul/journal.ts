/**
 * The journal: what a side has decided, written before it acts on it.
 *
 * @module
 */

/** What is recorded. The source writes the first four, the destination the others. */
export type JournalMark =
  | "INTENT"
  | "COMMIT"
  | "ABORT"
  | "DONE"
  | "PREPARED"
  | "RUNNING"
  | "DISCARDED";

/** A journal of one migration on one side. */
export interface Journal {
  /** Resolves once `mark` would survive a crash, as far as this journal survives one. */
  record(mark: JournalMark): Promise<void>;
}

/**
 * A journal that lives as long as its process. It covers the loss of the peer, the link and CRIU, not
 * the death of this phaul after the commit.
 */
export class MemoryJournal implements Journal {
  readonly #marks: JournalMark[] = [];

  /** What was recorded, the oldest first. */
  get marks(): readonly JournalMark[] {
    return this.#marks;
  }

  /** Appends `mark`. */
  record(mark: JournalMark): Promise<void> {
    this.#marks.push(mark);
    return Promise.resolve();
  }
}
