/**
 * What a destination does with what comes in: its iterations, and the restore once all of it is there.
 *
 * @module
 */

import type {
  IterationStartedReply,
  PrepareRequest,
  Reply,
  StartIterationRequest,
  StopIterationRequest,
} from "../wire/mod.ts";
import type { Custody } from "./custody.ts";
import type { DestinationParts } from "./destination_parts.ts";
import type { Intake } from "./intake.ts";
import type { Stages } from "./stages.ts";
import type { Watchdog } from "./watchdog.ts";

/** What a reception works with; all of it stays its maker's. */
export interface ReceptionParts {
  readonly migration: string;
  readonly intake: Intake;
  readonly custody: Custody;
  readonly files: DestinationParts["files"];
  readonly stages: Stages;
  /** Taking in has to make progress all the time. */
  readonly watchdog: Watchdog;
  /** Memory is filled in after the restore. */
  readonly lazy: boolean;
}

/** The iterations of one migration, and what they lead to. */
export class Reception {
  readonly #parts: ReceptionParts;

  constructor(parts: ReceptionParts) {
    this.#parts = parts;
  }

  /**
   * Gets ready for an iteration's pages and hands out the tickets for its streams.
   *
   * @throws PhaulError `protocol`, `hook-failed`, and what the criu that will restore is refused with
   */
  async start(request: StartIterationRequest): Promise<IterationStartedReply> {
    const { migration, intake, custody, stages, watchdog, lazy } = this.#parts;
    intake.expect(request);
    const { type: _, ...which } = request;
    await stages.pass({ event: "iteration-begin", migration, ...which });
    return await watchdog.during(async () => {
      if (request.final) await custody.prepare(lazy);
      return await intake.start(request);
    });
  }

  /**
   * Ends an iteration.
   *
   * @throws PhaulError `page-stream`, `no-space`
   */
  async stop(request: StopIterationRequest): Promise<Reply> {
    const { intake, watchdog } = this.#parts;
    const { pages, bytes } = await watchdog.during(() => intake.stop(request));
    return { type: "iteration-stopped", pages, pageBytes: bytes };
  }

  /**
   * Restores the tree, once all came, and holds it.
   *
   * @throws CriuError; PhaulError `protocol`, `stalled`
   */
  async restore(request: PrepareRequest): Promise<void> {
    const { intake, custody, files, stages } = this.#parts;
    await intake.complete(request);
    stages.timeline.mark("images");
    await files.place();
    await custody.restore(intake.imagesDir, request, () => intake.lazySource());
  }
}
