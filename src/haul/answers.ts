/**
 * Requests that wait until a state table has decided about them.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { DestinationEvent } from "../migrate/tables.ts";
import { errorTexts, type Reply } from "../wire/mod.ts";
import type { Timeline } from "./timeline.ts";

/** Requests of the source that the destination's table decides about. */
export type Asked = "iteration" | "prepare" | "commit" | "abort";

/** The events that they become. */
export type AskedEvent = Asked | "force-source" | "force-destination";

/** The request that is answered on `event`: a failure of this side after COMMIT refuses that. */
export function askedBy(event: DestinationEvent): Asked {
  if (event === "iteration" || event === "prepare" || event === "abort") return event;
  return event === "force-source" ? "abort" : "commit";
}

/** At most one waiting answer for each kind of request; one that comes twice gets the same answer. */
export class Answers {
  readonly #waiting = new Map<Asked, PromiseWithResolvers<Reply>>();

  /** Waits for the answer to that request. */
  wait(asked: Asked): Promise<Reply> {
    const answer = this.#waiting.get(asked) ?? Promise.withResolvers<Reply>();
    this.#waiting.set(asked, answer);
    return answer.promise;
  }

  /** Answers `prepare`, with what was done for it. */
  ready(migrationId: string, timeline: Timeline): void {
    this.give("prepare", { type: "ready", migrationId, steps: timeline.stepsSince("final-dump") });
  }

  /** Answers `commit`, with what was done for it. */
  running(timeline: Timeline): void {
    this.give("commit", { type: "running", steps: timeline.stepsSince("committed") });
  }

  /** Answers `abort`, with what this side had given up for before it was asked. */
  discarded(because: PhaulError | undefined): void {
    this.give("abort", { type: "discarded", because: because && errorTexts(because) });
  }

  /** Answers whoever waits. */
  give(asked: Asked, reply: Reply): void {
    this.#waiting.get(asked)?.resolve(reply);
    this.#waiting.delete(asked);
  }

  /** Refuses everybody who waits for something else than `kept`. */
  refuseAllBut(kept: Asked, error: PhaulError): void {
    for (const asked of [...this.#waiting.keys()]) if (asked !== kept) this.refuse(asked, error);
  }

  /** Refuses whoever waits. */
  refuse(asked: Asked, error: PhaulError): void {
    this.#waiting.get(asked)?.reject(error);
    this.#waiting.delete(asked);
  }
}

/** Why a destination gives up when its source does. */
export function givenUp(reason: string): PhaulError {
  return new PhaulError("cancelled", `The source gave up: ${reason}`);
}

/** The refusal of what does not fit the state of a migration. */
export function outOfTurn(
  what: string,
  { migration, state }: { readonly migration: string; readonly state: string },
): PhaulError {
  return new PhaulError(
    "protocol",
    `Cannot answer "${what}": migration ${migration} is in state "${state}"`,
  );
}
