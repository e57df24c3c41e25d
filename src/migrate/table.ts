/**
 * The shape of a state table: state x event -> state and actions.
 *
 * A row is written for every pair. `impossible` marks a pair that only a defect of phaul can produce;
 * a peer that sends something out of turn is answered by the action `refuse`, never by `impossible`.
 *
 * @module
 */

/** The two sides of a migration. */
export type Side = "source" | "destination";

/** What a table says for one state and event. */
export interface Row<State extends string, Action extends string> {
  readonly to: State;
  /** Carried out in this order, each one finished or started before the next. */
  readonly actions: readonly Action[];
}

/** A complete table: every state knows every event. */
export type Table<State extends string, Event extends string, Action extends string> = Readonly<
  Record<State, Readonly<Record<Event, Row<State, Action> | "impossible">>>
>;

/** A row: the state to go to and what to do on the way. */
export function go<State extends string, Action extends string = never>(
  to: State,
  ...actions: Action[]
): Row<State, Action> {
  return { to, actions };
}
