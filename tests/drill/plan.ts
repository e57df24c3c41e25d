/** What the proxy is to do to which message. Pure. */

/** Where a message goes. */
export type Direction = "to-destination" | "to-source";

/**
 * What is done to a message.
 *
 * - `lose`: it is dropped. `delay`: it waits, and all behind it. `double`: it comes twice.
 * - `reorder`: the next message of its direction goes before it, or it goes on alone after a while.
 * - `corrupt`: one bit of it is turned over.
 * - `cut-before`, `cut-after`: the connection ends instead of it, or behind it.
 */
export const ACTS = [
  "lose",
  "delay",
  "double",
  "reorder",
  "corrupt",
  "cut-before",
  "cut-after",
] as const;

/** One of {@linkcode ACTS}. */
export type Act = (typeof ACTS)[number];

/** One message, and what becomes of it. */
export interface Plan {
  /** Of this plan; a new one begins to count anew. */
  readonly id: string;
  readonly direction: Direction;
  /** The body's name in proto/phaul.proto, or `pages chunk`, `pages answer`, `images chunk`. */
  readonly message: string;
  /** The how many-th of them, from 1. */
  readonly nth: number;
  readonly act: Act;
  /** Chooses the bit that `corrupt` turns over: from 0 up to but not including 1. */
  readonly place: number;
}

/** Counts messages until the one of the plan has come. */
export class PlanKeeper {
  #plan: Plan | undefined;
  #seen = 0;
  #done = false;

  /** Takes over a plan, unless it is the one it has. */
  load(plan: Plan | undefined): void {
    if (plan?.id === this.#plan?.id) return;
    this.#plan = plan;
    this.#seen = 0;
    this.#done = false;
  }

  /** Whether this message is the one, which it is once. */
  take(direction: Direction, message: string): Plan | undefined {
    const plan = this.#plan;
    if (!plan || this.#done) return undefined;
    if (plan.direction !== direction || plan.message !== message) return undefined;
    this.#seen++;
    if (this.#seen !== plan.nth) return undefined;
    this.#done = true;
    return plan;
  }
}

/** `payload` with one bit turned over, chosen by `place`; an empty one gets a byte. */
export function corrupted(payload: Uint8Array, place: number): Uint8Array {
  if (payload.length === 0) return Uint8Array.of(1);
  const bit = Math.floor(place * payload.length * 8);
  const copy = Uint8Array.from(payload);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
