/**
 * Writes down how migrations to this host went.
 *
 * @module
 */

import { asPhaulError } from "../errors.ts";
import type { EventSink, HaulEvent } from "./events.ts";
import { type HistoryEntry, remember } from "./history.ts";
import { PLAN_MADE } from "./plan_made.ts";
import { MigrationRecord } from "./record.ts";
import { Timeline } from "./timeline.ts";

/** One that is under way. */
interface Incoming {
  readonly admitted: HaulEvent & { readonly event: "admitted" };
  readonly record: MigrationRecord;
  readonly timeline: Timeline;
  pid: number;
}

/** Those that were admitted, each until its end. What a phaul that died began is not among them. */
export class IncomingHistory implements AsyncDisposable {
  readonly #stateDir: string;
  readonly #warn: EventSink;
  #written: Promise<unknown> = Promise.resolve();
  readonly #underWay = new Map<string, Incoming>();

  /** @param warn told of what could not be written */
  constructor(stateDir: string, warn: EventSink) {
    this.#stateDir = stateDir;
    this.#warn = warn;
  }

  /** Takes in one event. */
  take(event: HaulEvent): void {
    if (!("migration" in event) || event.migration === undefined) return;
    const { migration } = event;
    if (event.event === "admitted") {
      const [record, timeline] = [new MigrationRecord(), new Timeline("destination")];
      this.#underWay.set(migration, { admitted: event, record, timeline, pid: event.pid });
    }
    const incoming = this.#underWay.get(migration);
    if (!incoming) return;
    incoming.record.take(event);
    incoming.timeline.take(event);
    switch (event.event) {
      case "running":
        incoming.pid = event.pid ?? incoming.pid;
        return;
      case "drained":
        return this.#remember(incoming, { whereabouts: "destination" });
      case "aborted": {
        const { code, message, whereabouts } = event;
        // Nothing was to move.
        if (message.includes(PLAN_MADE.message)) return void this.#underWay.delete(migration);
        return this.#remember(incoming, { whereabouts, failure: { code, message } });
      }
    }
  }

  /** Waits until all that ended is written. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#written;
  }

  #remember(
    { admitted, record, timeline, pid }: Incoming,
    end: Pick<HistoryEntry, "whereabouts" | "failure">,
  ): void {
    const { migration, comm, peer } = admitted;
    // One in doubt may still run here, or be given up: that will be another entry.
    if (end.whereabouts !== "in-doubt") this.#underWay.delete(migration);
    const which = { migration, side: "destination", pid, comm, peer } as const;
    const entry = { ...which, ...end, details: record.details(timeline) };
    this.#written = this.#written.then(() => remember(this.#stateDir, entry)).catch((error) => {
      this.#warn({ event: "warning", migration, message: asPhaulError(error).message });
    });
  }
}
