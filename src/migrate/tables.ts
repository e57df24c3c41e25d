/**
 * The state tables of both sides. The roles execute these tables and have no other transition logic;
 * the promise that exactly one copy runs rests on them.
 *
 * @module
 */

import { DESTINATION_TABLE } from "./destination_table.ts";
import type { SourceState } from "./source_states.ts";
import { SOURCE_FINAL, SOURCE_TABLE } from "./source_table.ts";
import type { Side, Table } from "./table.ts";

export * from "./destination_states.ts";
export * from "./destination_table.ts";
export * from "./recovery.ts";
export * from "./source_states.ts";
export * from "./source_table.ts";
export type { Row, Side, Table } from "./table.ts";

/** A pair of state and event, as exercised or as reachable. */
export interface Pair {
  readonly side: Side;
  readonly state: string;
  readonly event: string;
}

/** Every pair of both tables that is not impossible, final states of the source left out. */
export function allPairs(): Pair[] {
  return [
    ...pairsOf("source", SOURCE_TABLE).filter((p) => !SOURCE_FINAL.has(p.state as SourceState)),
    ...pairsOf("destination", DESTINATION_TABLE),
  ];
}

function pairsOf(side: Side, table: Table<string, string, string>): Pair[] {
  return Object.entries(table).flatMap(([state, rows]) =>
    Object.entries(rows)
      .filter(([, row]) => row !== "impossible")
      .map(([event]) => ({ side, state, event }))
  );
}
