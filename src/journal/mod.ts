/**
 * The journals: what each side of a migration has decided, written down before it acts on it.
 *
 * @module
 */

export { decodeJournal, encodeRecord, type JournalContent } from "./codec.ts";
export {
  type AdmittedRecord,
  type BeginRecord,
  findRecord,
  type IntentRecord,
  type Journal,
  type JournalRecord,
  type PlainRecord,
  type PreparedRecord,
  type RestoredRecord,
  type StampedRecord,
} from "./records.ts";
export { DiskJournal, type JournalName, JournalStore } from "./store.ts";
