/**
 * Child processes: waiting for them, and never leaving one behind.
 *
 * @module
 */

import { IntCell } from "./layouts.ts";
import { libc } from "./libc.ts";
import { PidFd } from "./pidfd.ts";
import { type Signal, signalNumber } from "./signals.ts";
import { check } from "./syscall.ts";

const WNOHANG = 1;
const REAP_RETRY_MS = 10;
const KILL_PATIENCE_MS = 2000;

/** How a child ended: by exit code, or by the number of a signal. */
export type ExitStatus = { readonly code: number } | { readonly signal: number };

/** A child of this process. Its owner disposes of it, best with `using`, which ends and reaps it. */
export class Child implements Disposable {
  readonly pid: number;
  /** Owned by the child. */
  readonly pidfd: PidFd;
  #status: ExitStatus | undefined;

  private constructor(pid: number, pidfd: PidFd) {
    this.pid = pid;
    this.pidfd = pidfd;
  }

  /**
   * Takes ownership of the unreaped child `pid`.
   *
   * @throws SyscallError when no descriptor can be had for it; the child is killed and reaped then
   */
  static own(pid: number): Child {
    try {
      return new Child(pid, PidFd.open(pid));
    } catch (error) {
      // Not reaped yet, so the pid is still the child's.
      check("kill", libc().kill(pid, signalNumber("SIGKILL")));
      check("waitpid", libc().waitpid(pid, new IntCell().bytes, 0));
      throw error;
    }
  }

  /**
   * Waits until the child has ended, and reaps it. May be called any number of times, also at once.
   *
   * @throws the signal's reason when it is aborted; the child is not affected
   * @throws SyscallError ECHILD when this process ignores SIGCHLD and the status is lost
   */
  async wait(signal?: AbortSignal): Promise<ExitStatus> {
    while (true) {
      await this.#ended(signal);
      const status = this.#reap();
      if (status !== undefined) return status;
      // Dead, but first for a tracer (strace, a debugger) to reap.
      await new Promise((resolve) => setTimeout(resolve, REAP_RETRY_MS));
    }
  }

  /**
   * Sends `signal`.
   *
   * @throws SyscallError ESRCH when the child was reaped
   */
  kill(signal: Signal): void {
    this.pidfd.signal(signal);
  }

  /**
   * Kills the child if it still runs, reaps it and closes its pidfd. The program stands still until the
   * child is gone, at most two seconds; one that is stuck in the kernel longer is left to init.
   */
  [Symbol.dispose](): void {
    if (this.pidfd.closed) return;
    using _pidfd = this.pidfd;
    if (this.#status !== undefined) return;
    this.pidfd.signal("SIGKILL");
    if (this.pidfd.blockUntilDead(KILL_PATIENCE_MS)) this.#reap();
  }

  async #ended(signal: AbortSignal | undefined): Promise<void> {
    if (this.#status !== undefined) return;
    try {
      await this.pidfd.exited(signal);
    } catch (error) {
      // Disposed of meanwhile, which closed the pidfd but first learnt the status.
      if (this.#status === undefined) throw error;
    }
  }

  #reap(): ExitStatus | undefined {
    if (this.#status !== undefined) return this.#status;
    const word = new IntCell();
    const reaped = check("waitpid", libc().waitpid(this.pid, word.bytes, WNOHANG));
    if (reaped !== 0) this.#status = decodeStatus(word.value);
    return this.#status;
  }
}

/** The status word of waitpid: the low seven bits name a signal, the next byte an exit code. */
function decodeStatus(word: number): ExitStatus {
  const signal = word & 0x7f;
  return signal === 0 ? { code: (word >> 8) & 0xff } : { signal };
}
