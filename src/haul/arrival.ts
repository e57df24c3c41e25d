/**
 * The moment in which the tree runs on the destination, on the source: when that was, who is told, and how
 * it does there.
 *
 * @module
 */

import type { Probed } from "./events.ts";
import { probeRunning } from "./probe.ts";
import type { SourceParts } from "./source_parts.ts";

/** Takes the moment down, once. */
export class Arrival {
  readonly #parts: SourceParts;
  #switchoverMs: number | undefined;
  #told: Promise<void> | undefined;
  #probed: Promise<Probed | undefined> | undefined;

  constructor(parts: SourceParts) {
    this.#parts = parts;
  }

  /** From the freeze to the acknowledgement; undefined before that. */
  get switchoverMs(): number | undefined {
    return this.#switchoverMs;
  }

  /** What a probe of the tree that runs there came to, if there was one. */
  get probed(): Promise<Probed | undefined> | undefined {
    return this.#probed;
  }

  /** It was acknowledged just now. */
  note(frozenAt: number): void {
    this.#switchoverMs ??= performance.now() - frozenAt;
  }

  /** Tells that it runs; resolves once the operator's hook has heard of it. */
  async tell(): Promise<void> {
    const { stages, migration } = this.#parts;
    await (this.#told ??= stages.reach({ event: "running", migration }));
  }

  /** Probes it; `signal` ends that. */
  async probe(signal: AbortSignal | undefined): Promise<void> {
    await (this.#probed ??= probeRunning(this.#parts, signal));
  }
}
