/**
 * The victim's throttle of one migration: written down before it is used, told, and always put back.
 *
 * @module
 */

import { asPhaulError } from "../errors.ts";
import type { Journal } from "../journal/mod.ts";
import type { CpuThrottle } from "../proc/mod.ts";
import type { Throttle } from "./config.ts";
import type { Stages } from "./stages.ts";

/** What a throttle works with; the journal stays its maker's, and open for as long. */
export interface ThrottleParts {
  readonly cpu: CpuThrottle;
  readonly migration: string;
  readonly journal: Journal;
  readonly stages: Stages;
}

/** Slows the tree down by its cgroup. Disposing of it puts back what is not put back yet. */
export class VictimThrottle implements Throttle, Disposable {
  readonly #parts: ThrottleParts;
  #recorded = false;
  #ended = false;

  constructor(parts: ThrottleParts) {
    this.#parts = parts;
  }

  async slower(): Promise<number | undefined> {
    const { cpu, journal, migration, stages } = this.#parts;
    if (this.#ended || !cpu.canSlow) return undefined;
    // First: whoever comes after a crash has to know what to put back.
    if (!this.#recorded) await journal.record({ mark: "THROTTLED", ...cpu.limit });
    this.#recorded = true;
    // The migration may have been given up while that was written.
    if (this.#ended) return undefined;
    const cpuPercent = cpu.slower();
    if (cpuPercent !== undefined) stages.tell({ event: "throttled", migration, cpuPercent });
    return cpuPercent;
  }

  release(): void {
    const { cpu, migration, stages } = this.#parts;
    if (!cpu.active) return;
    cpu.release();
    stages.tell({ event: "throttled", migration, cpuPercent: 100 });
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    try {
      this.release();
    } catch (error) {
      const { cgroup, cpuMax } = this.#parts.cpu.limit;
      this.#parts.stages.warn(
        `Cannot give cgroup "${cgroup}" its CPU time back (${asPhaulError(error).message}): ` +
          `write "${cpuMax}" to its cpu.max`,
      );
    }
  }
}
