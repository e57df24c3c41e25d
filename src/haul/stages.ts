/**
 * Tells each stage to whoever listens: events first, then the operator's hook.
 *
 * @module
 */

import { asPhaulError, type PhaulError } from "../errors.ts";
import type { DestinationState, Side } from "../migrate/tables.ts";
import type { ClientObserver } from "./config.ts";
import type { EventSink, HaulEvent, IterationFigures, Stage } from "./events.ts";
import { type HookContext, runHooks } from "./hook.ts";
import { Timeline } from "./timeline.ts";

/** A hook that takes longer is killed and counts as failed. */
const HOOK_DEADLINE_MS = 60_000;

/** Where stage events of one migration on one side go. */
export class Stages {
  /** When each stage was reached, since this began. */
  readonly timeline: Timeline;
  readonly #sink: EventSink;
  readonly #hook: string | undefined;
  readonly #side: Side;
  readonly #migration: string;
  /** Root of the tree on this host, once there is one. */
  pid: number | undefined;
  #inHook = false;

  constructor(options: { sink: EventSink; hook?: string; side: Side; migration: string }) {
    const timeline = new Timeline(options.side);
    this.timeline = timeline;
    this.#sink = (event) => {
      timeline.take(event);
      options.sink(event);
    };
    this.#hook = options.hook;
    this.#side = options.side;
    this.#migration = options.migration;
  }

  /** Whose stages they are. */
  get migration(): string {
    return this.#migration;
  }

  /** True while a hook runs: it has a deadline of its own. */
  get inHook(): boolean {
    return this.#inHook;
  }

  /** An event that is no stage. */
  tell(event: HaulEvent): void {
    this.#sink(event);
  }

  /** A line for the operator. */
  warn(message: string): void {
    this.#sink({ event: "warning", migration: this.#migration, message });
  }

  /** A step that is no stage was taken; the tree has that root, if there is one. */
  did(step: string, pid: number | undefined): void {
    this.pid = pid;
    this.timeline.mark(step);
  }

  /** The migration goes on where another phaul had got to. */
  reopened(comm: string, because: string): void {
    const which = { migration: this.#migration, side: this.#side };
    this.#sink({ event: "reopened", ...which, comm, because });
  }

  /** A destination has nothing left to do by itself. */
  async end(state: DestinationState, { code, message }: PhaulError): Promise<void> {
    const migration = this.#migration;
    const whereabouts = state === "discarded" ? "source" : "in-doubt";
    await this.reach({ event: "aborted", migration, code, message, whereabouts });
  }

  /** One step of the state table. */
  transition(from: string, on: string, to: string): void {
    this.#sink({ event: "transition", migration: this.#migration, side: this.#side, from, on, to });
  }

  /**
   * A stage before the commit: a hook that fails gives the migration up.
   *
   * @throws PhaulError `hook-failed`
   */
  async pass(event: HaulEvent & { readonly event: Stage }): Promise<void> {
    this.#sink(event);
    if (!this.#hook) return;
    this.#inHook = true;
    try {
      await runHooks(this.#hook, this.#contextOf(event), HOOK_DEADLINE_MS);
    } finally {
      this.#inHook = false;
    }
  }

  /** A stage that nothing may hold up any more: a hook that fails is only told. */
  async reach(event: HaulEvent & { readonly event: Stage }): Promise<void> {
    await this.leniently(() => this.pass(event));
  }

  /** Takes a step whose failure must not stop what comes after it: it is only told. */
  async leniently(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.warn(asPhaulError(error).message);
    }
  }

  #contextOf(event: HaulEvent & { readonly event: Stage }): HookContext {
    return {
      event,
      stage: event.event,
      side: this.#side,
      migration: this.#migration,
      pid: this.pid,
      iteration: "iteration" in event ? event.iteration : undefined,
    };
  }
}

/** Passes the stages of the client's iterations on; `learn` is told their figures, too. */
export function stageObserver(
  stages: Stages,
  migration: string,
  learn: (figures: IterationFigures) => void = () => {},
): ClientObserver {
  return {
    iterationBegin: (iteration, final) =>
      stages.pass({ event: "iteration-begin", migration, iteration, final }),
    iterationEnd: (figures) => {
      learn(figures);
      const event = { event: "iteration-end", migration, ...figures } as const;
      return figures.final ? stages.reach(event) : stages.pass(event);
    },
    predicted: (prediction) => stages.tell({ event: "predicted", migration, ...prediction }),
    converged: (reason) => stages.tell({ event: "converged", migration, reason }),
    warning: (message) => stages.warn(message),
  };
}
