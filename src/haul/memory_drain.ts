/**
 * The end of a lazy restore: the tree runs, and its memory is still being filled in, maybe from pages that
 * come late.
 *
 * @module
 */

import type { LateFetchedReply } from "../wire/mod.ts";
import type { Custody } from "./custody.ts";
import { type DestinationParts, removeImages } from "./destination_parts.ts";
import { LateIntake } from "./late_intake.ts";
import type { Stages } from "./stages.ts";

/** What a destination still does for a tree that runs. */
export class MemoryDrain implements Disposable {
  readonly #parts: DestinationParts;
  readonly #custody: Custody;
  readonly #stages: Stages;
  #late: LateIntake | undefined;
  #underWay = false;
  #forgotten = false;

  /** @param late Where pages go that come late, if any may; becomes its own. */
  constructor(
    parts: DestinationParts,
    custody: Custody,
    stages: Stages,
    late: LateIntake | undefined,
  ) {
    this.#parts = parts;
    this.#custody = custody;
    this.#stages = stages;
    this.#use(late);
  }

  /** Memory is being filled in. */
  get underWay(): boolean {
    return this.#underWay;
  }

  /** Pages have not come that are only the source's to give. */
  get lacksPages(): boolean {
    return (this.#late?.missing ?? 0) > 0;
  }

  /** Its source will say once more that it commits, when it has ended the tree that gave the memory. */
  get owesAnswer(): boolean {
    return this.#late !== undefined && !this.#forgotten;
  }

  /** The source has the answer that it needs. */
  forget(): void {
    this.#forgotten = true;
  }

  /** Goes on with late pages that another phaul has begun to take in. */
  adopt(imagesDir: string | undefined): void {
    if (imagesDir !== undefined) this.#use(LateIntake.find(imagesDir));
  }

  /** A ticket for the stream of late pages, as long as any may be missing. */
  fetchLate(): LateFetchedReply {
    const late = this.#late;
    if (!late || late.missing === 0) return { type: "late-fetched" };
    const ticket = this.#parts.tickets.issue("late", (stream) => late.connect(stream));
    return { type: "late-fetched", ticket };
  }

  /**
   * Resolves when nothing is to come any more that a restore would need.
   *
   * @throws PhaulError `stalled`
   */
  async whole(): Promise<void> {
    await this.#late?.whole(this.#parts.options.timeouts.stallMs);
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
    // The source is to hear that it is needed no more, by the stream or when it asks again.
    await this.#stages.leniently(async () => await this.#late?.complete);
    await this.#stages.leniently(() => removeImages(this.#parts));
    if (told) await this.#stages.reach({ event: "drained", migration });
    this.#underWay = false;
  }

  /** Lets go of late pages. */
  [Symbol.dispose](): void {
    this.#late?.[Symbol.dispose]();
  }

  #use(late: LateIntake | undefined): void {
    this.#late = late;
    if (!late) return;
    late.waited = () => this.#custody.waited;
    late.onFailure = ({ message }) => {
      this.#stages.warn(`Memory that is missing was not taken in: ${message}`);
    };
  }
}
