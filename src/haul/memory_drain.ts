/**
 * The end of a lazy restore: the tree runs, and its memory is still being filled in.
 *
 * @module
 */

import type { Custody } from "./custody.ts";
import { type DestinationParts, removeImages } from "./destination_parts.ts";
import type { Stages } from "./stages.ts";

/** What a destination still does for a tree that runs. */
export class MemoryDrain {
  readonly #parts: DestinationParts;
  readonly #custody: Custody;
  readonly #stages: Stages;
  #underWay = false;

  constructor(parts: DestinationParts, custody: Custody, stages: Stages) {
    this.#parts = parts;
    this.#custody = custody;
    this.#stages = stages;
  }

  /** Memory is being filled in. */
  get underWay(): boolean {
    return this.#underWay;
  }

  /**
   * Waits until the tree has all its memory, and removes the images, which are needed until then.
   *
   * @param told That it is drained is news.
   */
  async run(told: boolean): Promise<void> {
    const { migration } = this.#parts;
    this.#underWay = true;
    await this.#stages.leniently(() => this.#custody.drained());
    await this.#stages.leniently(() => removeImages(this.#parts));
    if (told) await this.#stages.reach({ event: "drained", migration });
    this.#underWay = false;
  }
}
