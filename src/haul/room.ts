/**
 * How much a destination takes in: what does not fit is refused before it is written.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { roomIn } from "../proc/mod.ts";
import type { ServeLimits } from "./options.ts";

/** After so many bytes the free room is looked at again: others write there too. */
const STRIDE_BYTES = 8 * 2 ** 20;

/** The bounds of a room. */
export type RoomLimits = Pick<ServeLimits, "maxImageBytes" | "keepFreeBytes">;

/** The room for images and pages of all migrations, which lie below one directory. */
export class Room {
  readonly #dir: string;
  readonly #limits: RoomLimits;
  readonly #measure: (dir: string) => Promise<number>;
  readonly #shares = new Set<Share>();
  /** Bytes that may come before the free room is looked at again. */
  #unmeasured = 0;

  /** @param measure Tells how many bytes are free where `dir` lies. */
  constructor(dir: string, limits: RoomLimits, measure = roomIn) {
    this.#dir = dir;
    this.#limits = limits;
    this.#measure = measure;
  }

  /**
   * A share for a migration that announced `bytes`; the caller disposes of it when the images are gone.
   *
   * @throws PhaulError `no-space` when they cannot fit, with what others have announced
   */
  async admit(bytes: number): Promise<Share> {
    const share = new Share(this, bytes, this.#limits.maxImageBytes);
    share.requireFit(bytes);
    const promised = [...this.#shares].reduce((sum, { outstanding }) => sum + outstanding, 0);
    // Counted from here on, for whoever is admitted while this waits.
    this.#shares.add(share);
    if (bytes + promised <= await this.#free()) return share;
    this.release(share);
    throw this.#noSpace(bytes);
  }

  /** Takes `bytes` of what is free; for shares. */
  async use(bytes: number): Promise<void> {
    if (bytes > this.#unmeasured) {
      const free = await this.#free();
      if (bytes > free) throw this.#noSpace(bytes);
      this.#unmeasured = Math.max(bytes, Math.min(free, STRIDE_BYTES));
    }
    this.#unmeasured -= bytes;
  }

  /** Takes a share back; for shares. */
  release(share: Share): void {
    this.#shares.delete(share);
  }

  async #free(): Promise<number> {
    return await this.#measure(this.#dir) - this.#limits.keepFreeBytes;
  }

  #noSpace(bytes: number): PhaulError {
    return new PhaulError(
      "no-space",
      `Cannot take ${bytes} bytes of images in: no space is left for them below "${this.#dir}"`,
      {
        remedy: "Make room there (of memory too, if it is on tmpfs), or start phaul serve with " +
          "another --work-dir or a smaller --keep-free",
      },
    );
  }
}

/** What one migration may bring. */
export class Share implements Disposable {
  readonly #room: Room;
  readonly #announcedBytes: number;
  readonly #maxBytes: number | undefined;
  #takenBytes = 0;

  /** Made by {@linkcode Room.admit}. */
  constructor(room: Room, announcedBytes: number, maxBytes: number | undefined) {
    this.#room = room;
    this.#announcedBytes = announcedBytes;
    this.#maxBytes = maxBytes;
  }

  /** Bytes that were announced and have not come. */
  get outstanding(): number {
    return Math.max(0, this.#announcedBytes - this.#takenBytes);
  }

  /**
   * Asks for room for `bytes` more, which are about to be written.
   *
   * @throws PhaulError `no-space`
   */
  async take(bytes: number): Promise<void> {
    this.#takenBytes += bytes;
    this.requireFit(this.#takenBytes);
    await this.#room.use(bytes);
  }

  /** @throws PhaulError `no-space` when `bytes` are more than one migration may bring */
  requireFit(bytes: number): void {
    if (this.#maxBytes === undefined || bytes <= this.#maxBytes) return;
    throw new PhaulError(
      "no-space",
      `Cannot take ${bytes} bytes of images in: one migration may bring ${this.#maxBytes}`,
      { remedy: "Raise --max-image-bytes of the destination" },
    );
  }

  /** Gives back what was announced and did not come. */
  [Symbol.dispose](): void {
    this.#room.release(this);
  }
}
