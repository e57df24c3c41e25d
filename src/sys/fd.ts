/**
 * File descriptors with one owner each.
 *
 * @module
 */

import { Errno } from "./errno.ts";
import { libc } from "./libc.ts";
import { check, syscallError } from "./syscall.ts";

const F_DUPFD_CLOEXEC = 1030;
const CLOSED = -1;

/**
 * A file descriptor. Whoever holds the `Fd` owns the descriptor and closes it, best with `using`;
 * {@linkcode Fd.intoRaw} gives ownership away.
 */
export class Fd implements Disposable {
  #raw: number;
  readonly #releaseListeners = new Set<() => void>();

  private constructor(raw: number) {
    this.#raw = raw;
  }

  /** Takes ownership of a descriptor that nothing else will close. */
  static own(raw: number): Fd {
    if (!Number.isInteger(raw) || raw < 0) throw syscallError(`own descriptor ${raw}`, Errno.EBADF);
    return new Fd(raw);
  }

  /**
   * The number, for passing to a call. The `Fd` stays the owner.
   *
   * @throws SyscallError EBADF when it was closed or given away
   */
  get raw(): number {
    if (this.#raw === CLOSED) throw syscallError("use a closed descriptor", Errno.EBADF);
    return this.#raw;
  }

  /** Closed, or given away by {@linkcode Fd.intoRaw}. */
  get closed(): boolean {
    return this.#raw === CLOSED;
  }

  /**
   * Gives the descriptor away: the caller closes it. This `Fd` is closed from then on.
   *
   * @throws SyscallError EBADF when it was closed or given away before
   */
  intoRaw(): number {
    const raw = this.raw;
    this.#release();
    return raw;
  }

  /**
   * A second descriptor, close-on-exec and at least 3, for the same open file. The caller owns it.
   *
   * @throws SyscallError EBADF when this one is closed, EMFILE when there are too many
   */
  dup(): Fd {
    return new Fd(check("fcntl", libc().fcntl(this.raw, F_DUPFD_CLOEXEC, 3)));
  }

  /**
   * Closes the descriptor; pending waits on it reject with EBADF. Closing twice is harmless: the number
   * may belong to somebody else by then, so the second call does nothing.
   *
   * @throws SyscallError when close(2) reports an error; the descriptor is gone all the same
   */
  close(): void {
    if (this.#raw === CLOSED) return;
    const raw = this.#raw;
    this.#release();
    check("close", libc().close(raw));
  }

  /** As {@linkcode Fd.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Calls `listener` once, when the descriptor is closed or given away.
   *
   * @returns a function that takes the listener off again
   */
  onRelease(listener: () => void): () => void {
    this.#releaseListeners.add(listener);
    return () => void this.#releaseListeners.delete(listener);
  }

  #release(): void {
    this.#raw = CLOSED;
    const listeners = [...this.#releaseListeners];
    this.#releaseListeners.clear();
    for (const listener of listeners) listener();
  }
}
