/** What became of a row. */

import type { Pair } from "../../src/migrate/tables.ts";
import type { Row } from "./row.ts";

/** Who put things right after the fault. */
export type RecoveredBy =
  | "nobody had to"
  | "serve, started again"
  | "recover on the source"
  | "recover on the destination"
  | "recover --force-destination"
  | "recover --force-source"
  | `the copy ended, ${"--force-source" | "--force-destination"}`
  | "nobody could";

/** A row that took place. */
export interface RowResult {
  readonly row: Row;
  /** How `phaul migrate` ended, in a word. */
  readonly outcome: string;
  /** The most copies that ran at one moment. */
  readonly copies: number;
  /** Where the copy runs in the end; empty when none does. */
  readonly runsOn: string;
  readonly recoveredBy: RecoveredBy;
  /** Nothing when the row passed. */
  readonly troubles: readonly string[];
  /** Pairs through which the phauls of this row went. */
  readonly pairs: readonly Pair[];
  readonly seconds: number;
}

/** The fault never came, for the migration did not come by its pair. */
export class NotReachedError extends Error {
  override readonly name = "NotReachedError";
}
