/**
 * What a source's role is made of, and what it comes to.
 *
 * @module
 */

import type { PhaulError } from "../errors.ts";
import type { Journal } from "../journal/mod.ts";
import type { ProcessTree } from "../proc/mod.ts";
import type { ClientReport, Throttle } from "./config.ts";
import type { Probed } from "./events.ts";
import type { MigrateOptions } from "./options.ts";
import type { PageWay } from "./page_way.ts";
import type { Destination } from "./peer.ts";
import type { Stages } from "./stages.ts";
import type { Verdict } from "./verdicts.ts";

/** What a source role works with; all of it stays its maker's. */
export interface SourceParts {
  readonly migration: string;
  readonly options: MigrateOptions;
  readonly peer: Destination;
  readonly way: PageWay;
  readonly stages: Stages;
  readonly journal: Journal;
  readonly verdict: Verdict;
  readonly throttle?: Throttle;
  /** Holds the root by a pidfd from before the first dump. */
  readonly tree: ProcessTree;
  readonly workDir: string;
  /** Gives up once memory was copied ahead, with PLAN_MADE. */
  readonly plan: boolean;
}

/** How a source's role ended. */
export interface SourceOutcome {
  readonly state: "done" | "aborted" | "in-doubt";
  /** Why it did not end in `done`. */
  readonly error?: PhaulError;
  readonly report?: ClientReport;
  /** From the freeze to the acknowledgement; absent unless done. */
  readonly switchoverMs?: number;
  readonly probed?: Probed;
}
