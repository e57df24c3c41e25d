/**
 * What a source's role is made of, and what it comes to.
 *
 * @module
 */

import type { PhaulError } from "../errors.ts";
import type { Journal } from "../journal/mod.ts";
import type { ProcessTree } from "../proc/mod.ts";
import type { ClientReport, PhaulConfig, Throttle } from "./config.ts";
import type { FilesSummary, Probed } from "./events.ts";
import { alsoSyncing, type SourceFiles } from "./files/source_files.ts";
import type { Lending } from "./lending.ts";
import type { MigrateOptions } from "./options.ts";
import type { PageWay } from "./page_way.ts";
import type { Destination } from "./peer.ts";
import { stageObserver, type Stages } from "./stages.ts";
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
  /** Where memory may stay behind at the switchover. */
  readonly lending?: Lending;
  readonly files: SourceFiles;
  /** Holds the root by a pidfd from before the first dump. */
  readonly tree: ProcessTree;
  readonly workDir: string;
  /** Gives up once memory was copied ahead, with PLAN_MADE. */
  readonly plan: boolean;
}

/** What its client is told; `signal` gives the migration up. */
export function clientConfig(parts: SourceParts, signal: AbortSignal): PhaulConfig {
  const { options, way, workDir, stages, migration, throttle, lending, files } = parts;
  const observer = stageObserver(stages, migration, (figures) => lending?.learn(figures));
  return {
    pid: options.pid,
    memory: way.memory,
    workDir,
    criuPath: options.criuPath,
    criuService: options.criuService,
    mode: options.mode,
    limits: options.limits,
    budget: options.budget,
    throttle,
    criu: options.criu,
    signal,
    observer: alsoSyncing(observer, files, signal),
  };
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
  /** What came along; absent where nothing had to. */
  readonly files?: FilesSummary;
}
