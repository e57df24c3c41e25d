/**
 * Executes a state table: the only place where a role changes its state.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import type { Side, Table } from "../migrate/tables.ts";
import type { Stages } from "./stages.ts";

/** What an action gets to see: the event that called for it, and that event's failure if it has one. */
export interface Cause<Event extends string> {
  readonly event: Event;
  readonly error?: PhaulError;
}

/**
 * How actions are carried out. The event that one returns is taken next, before any that waits: what is
 * decided on a disk cannot be overtaken. One that throws becomes the event `failed`, taken next as well;
 * the actions after it are left out.
 */
export type Effects<Event extends string, Action extends string> = Readonly<
  Record<Action, (cause: Cause<Event>) => void | Event | Promise<void | Event>>
>;

/** What a machine is made of. */
export interface MachineOptions<
  State extends string,
  Event extends string,
  Action extends string,
> {
  readonly side: Side;
  readonly table: Table<State, Event, Action>;
  readonly initial: State;
  readonly effects: Effects<Event, Action>;
  /** The event that an effect's failure becomes. */
  readonly failure: NoInfer<Event>;
  readonly onTransition: (from: State, on: Event, to: State) => void;
  /** Called when the table says that a pair cannot be: a defect of phaul. */
  readonly onDefect: (error: PhaulError) => void;
}

/**
 * A state and a queue of events. Events are taken one at a time, in order: the actions of one are
 * finished before the next is looked at, so an action that takes long must start its work, return,
 * and dispatch an event when the work is done.
 */
export class Machine<State extends string, Event extends string, Action extends string> {
  readonly #options: MachineOptions<State, Event, Action>;
  readonly #queue: Cause<Event>[] = [];
  #state: State;
  #working = false;
  #stopped = false;
  #steps = 0;

  constructor(options: MachineOptions<State, Event, Action>) {
    this.#options = options;
    this.#state = options.initial;
  }

  /** Transitions so far. */
  get steps(): number {
    return this.#steps;
  }

  /** The state after the last event that was taken. */
  get state(): State {
    return this.#state;
  }

  /** Takes no more events. */
  stop(): void {
    this.#stopped = true;
  }

  /** Queues an event; never throws and never waits. */
  dispatch(event: Event, error?: PhaulError): void {
    if (this.#stopped) return;
    this.#queue.push(error ? { event, error } : { event });
    if (!this.#working) void this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    for (let cause = this.#queue.shift(); cause; cause = this.#queue.shift()) {
      await this.#take(cause);
    }
    this.#working = false;
  }

  async #take(cause: Cause<Event>): Promise<void> {
    const { table, effects, failure, onTransition, onDefect, side } = this.#options;
    const from = this.#state;
    const row = table[from][cause.event];
    if (row === "impossible") {
      onDefect(
        new PhaulError(
          "internal",
          `Cannot take "${cause.event}" in state "${from}" of the ${side}`,
          {
            remedy: "Report this as a defect of phaul, with the output of --json",
          },
        ),
      );
      return;
    }
    this.#state = row.to;
    this.#steps++;
    onTransition(from, cause.event, row.to);
    for (const action of row.actions) {
      try {
        const event = await effects[action](cause);
        if (event) this.#queue.unshift({ event });
      } catch (error) {
        this.#queue.unshift({ event: failure, error: asPhaulError(error) });
        return;
      }
    }
  }
}

/** A role's machine: its steps and defects are told by `stages`, and a failed effect is `failed`. */
export function tellingMachine<
  State extends string,
  Event extends string,
  Action extends string,
>(
  stages: Pick<Stages, "transition" | "warn">,
  options:
    & Pick<
      MachineOptions<State, Event | "failed", Action>,
      "side" | "table" | "initial" | "effects"
    >
    & { readonly onStep?: () => void },
): Machine<State, Event | "failed", Action> {
  const { onStep, ...same } = options;
  return new Machine({
    ...same,
    failure: "failed",
    onTransition: (from, on, to) => {
      onStep?.();
      stages.transition(from, on, to);
    },
    onDefect: (error) => stages.warn(error.message),
  });
}
