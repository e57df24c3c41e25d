/**
 * Processes held by descriptor, so that a reused pid is never signalled by mistake.
 *
 * @module
 */

import { Errno } from "./errno.ts";
import { Fd } from "./fd.ts";
import { libc } from "./libc.ts";
import { isReadable, readable } from "./poller.ts";
import { type Signal, signalNumber } from "./signals.ts";
import { check, syscallError } from "./syscall.ts";

// The same on x86_64 and aarch64.
const SYS_PIDFD_SEND_SIGNAL = 424n;
const SYS_PIDFD_OPEN = 434n;
const SYS_PIDFD_GETFD = 438n;

/** A hold on one process, whatever becomes of its pid. The owner closes it, best with `using`. */
export class PidFd implements Disposable {
  readonly pid: number;
  readonly #fd: Fd;

  private constructor(pid: number, fd: Fd) {
    this.pid = pid;
    this.#fd = fd;
  }

  /**
   * Takes hold of the process that is `pid` now. A zombie counts as a process. The caller owns the hold.
   *
   * @throws SyscallError ESRCH when there is none
   */
  static open(pid: number): PidFd {
    const call = `pidfd_open ${pid}`;
    // The kernel calls these invalid; to the caller they are processes that do not exist.
    if (!Number.isInteger(pid) || pid < 1) throw syscallError(call, Errno.ESRCH);
    const raw = check(call, libc().syscallPidfdOpen(SYS_PIDFD_OPEN, pid, 0));
    return new PidFd(pid, Fd.own(raw));
  }

  /**
   * Sends `signal`; a zombie takes it without effect.
   *
   * @throws SyscallError ESRCH when the process is dead and reaped, EBADF when this is closed
   */
  signal(signal: Signal): void {
    const number = signalNumber(signal);
    check(
      `send ${signal} to process ${this.pid}`,
      libc().syscallPidfdSendSignal(SYS_PIDFD_SEND_SIGNAL, this.#fd.raw, number, null, 0),
    );
  }

  /**
   * A descriptor of one's own, close-on-exec, for what the process has open as `fd`: as dup(2), across
   * processes. A stopped or traced process notices nothing. The caller owns it.
   *
   * @throws SyscallError EBADF when the process has no such descriptor or this is closed, ESRCH when the
   * process is dead, EPERM when this process may not trace it
   */
  copyFd(fd: number): Fd {
    return Fd.own(check(
      `copy fd ${fd} of process ${this.pid}`,
      libc().syscallPidfdGetfd(SYS_PIDFD_GETFD, this.#fd.raw, fd, 0),
    ));
  }

  /**
   * Waits until every thread of the process has ended; it may still be an unreaped zombie then.
   *
   * @throws the signal's reason when it is aborted, SyscallError EBADF when this is or becomes closed
   */
  async exited(signal?: AbortSignal): Promise<void> {
    await readable(this.#fd, signal);
  }

  /**
   * Whether every thread of the process has ended, reaped or not.
   *
   * @throws SyscallError EBADF when this is closed
   */
  get dead(): boolean {
    return isReadable(this.#fd);
  }

  /** As {@linkcode PidFd.dead}, but lets the whole program stand still for up to `ms` to see it. */
  blockUntilDead(ms: number): boolean {
    return isReadable(this.#fd, ms);
  }

  /** Whether {@linkcode PidFd.close} was called. */
  get closed(): boolean {
    return this.#fd.closed;
  }

  /** Lets go of the process, which is not affected; pending waits reject with EBADF. */
  close(): void {
    this.#fd.close();
  }

  /** As {@linkcode PidFd.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
