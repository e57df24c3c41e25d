/**
 * Finds out that a peer is silent.
 *
 * @module
 */

/** How many ticks without a byte make a peer silent; pings go out from the first of them on. */
const silentTicks = 4;

/** What a heartbeat does. */
export interface HeartbeatActions {
  /** Asks the peer for a sign of life. */
  readonly ping: () => void;
  /** Called once, when nothing came for the whole time. */
  readonly silent: () => void;
}

/**
 * Watches a peer. It counts ticks instead of comparing clocks: a phaul that was itself stopped for a
 * minute wakes up to one late tick, not to a peer that seems silent although its bytes wait unread.
 */
export class Heartbeat implements Disposable {
  readonly #actions: HeartbeatActions;
  readonly #tickMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #quietTicks = 0;
  #over = false;

  /** Starts at once; `peerTimeoutMs` is the silence that ends it. */
  constructor(peerTimeoutMs: number, actions: HeartbeatActions) {
    this.#actions = actions;
    this.#tickMs = Math.max(1, peerTimeoutMs / silentTicks);
    this.#arm();
  }

  /** The peer gave a sign of life. */
  heard(): void {
    this.#quietTicks = 0;
  }

  /** Stops watching. */
  [Symbol.dispose](): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    this.#timer = setTimeout(() => this.#tick(), this.#tickMs);
  }

  #tick(): void {
    // The runtime calls a due timer even when an operation that ended in the same turn cleared it.
    if (this.#over) return;
    this.#quietTicks++;
    if (this.#quietTicks >= silentTicks) {
      this.#actions.silent();
      return;
    }
    this.#arm();
    this.#actions.ping();
  }
}
