/**
 * Waiting for descriptors. All waits of the program share a single poll(2): a call on one of the
 * runtime's 32 pool threads, which asynchronous file operations need as well. An eventfd in its table
 * interrupts it when the set of waits changes.
 *
 * @module
 */

import { Errno } from "./errno.ts";
import { Fd } from "./fd.ts";
import { POLLFD_BYTES, PollTable } from "./layouts.ts";
import { libc } from "./libc.ts";
import { NativeMemory } from "./native_memory.ts";
import { check, syscallError } from "./syscall.ts";

const POLLIN = 0x1;
const POLLOUT = 0x4;
const POLLNVAL = 0x20;
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;
const FOREVER = -1;

/**
 * Waits until `fd` can be read without blocking; the end of a stream and an error count as readable.
 *
 * @throws the signal's reason when it is aborted
 * @throws SyscallError EBADF when `fd` is or becomes closed
 */
export async function readable(fd: Fd, signal?: AbortSignal): Promise<void> {
  await poller.wait(fd, POLLIN, signal);
}

/**
 * Waits until `fd` can be written without blocking; a connection that broke counts as writable.
 *
 * @throws as {@linkcode readable}
 */
export async function writable(fd: Fd, signal?: AbortSignal): Promise<void> {
  await poller.wait(fd, POLLOUT, signal);
}

/**
 * Whether `fd` can be read without blocking.
 *
 * @param blockForMs how long the whole program may stand still for it
 */
export function isReadable(fd: Fd, blockForMs = 0): boolean {
  const table = new PollTable([{ fd: fd.raw, events: POLLIN }]);
  return check("poll", libc().poll(table.bytes, table.size, blockForMs)) > 0;
}

interface Waiter {
  readonly fd: Fd;
  readonly events: number;
  /** Set when the wait shall end with this error at the next occasion. */
  failure?: { readonly error: unknown };
  /** Ends the wait. */
  settle(failure?: { readonly error: unknown }): void;
}

class Poller {
  readonly #waiters = new Set<Waiter>();
  /** Writing to it ends the poll(2) in flight; there is one exactly while the loop runs. */
  #wake: Fd | undefined;

  wait(fd: Fd, events: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    fd.raw; // throws here, with the caller on the stack, when it is closed
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => this.#fail(waiter, signal?.reason);
    const offRelease = fd.onRelease(() => this.#fail(waiter, syscallError("poll", Errno.EBADF)));
    signal?.addEventListener("abort", onAbort);
    const waiter: Waiter = {
      fd,
      events,
      settle: (failure) => {
        this.#waiters.delete(waiter);
        offRelease();
        signal?.removeEventListener("abort", onAbort);
        if (failure === undefined) resolve();
        else reject(failure.error);
      },
    };
    this.#waiters.add(waiter);
    if (this.#wake === undefined) this.#start();
    else this.#interrupt();
    return promise;
  }

  /**
   * The wait ends only after poll(2) has returned: until then the kernel still holds the file, so that
   * a peer would not see it closed, and the runtime would still be busy with the call.
   */
  #fail(waiter: Waiter, error: unknown): void {
    waiter.failure ??= { error };
    this.#interrupt();
  }

  #start(): void {
    let wake: Fd;
    try {
      wake = Fd.own(check("eventfd", libc().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
    } catch (error) {
      this.#failAll(error);
      return;
    }
    this.#wake = wake;
    void this.#run(wake);
  }

  /** Runs while somebody waits, and no longer: a call in flight keeps the program alive. */
  async #run(wake: Fd): Promise<void> {
    try {
      // One turn, so that waits that begin together go into the first table together.
      await Promise.resolve();
      while (this.#settleFailed() > 0) await this.#round(wake);
    } catch (error) {
      this.#failAll(error);
    } finally {
      this.#wake = undefined;
      wake.close();
    }
  }

  async #round(wake: Fd): Promise<void> {
    const waiters = [...this.#waiters];
    const entries = [
      { fd: wake.raw, events: POLLIN },
      ...waiters.map(({ fd, events }) => ({ fd: fd.raw, events })),
    ];
    using memory = NativeMemory.allocate(entries.length * POLLFD_BYTES);
    const table = new PollTable(entries, memory.bytes);
    const result = await libc().pollOnThread(memory.pointer, table.size, FOREVER);
    // A signal or a failure; errno is lost with the thread, so ask again on this one.
    if (result === -1) check("poll", libc().poll(table.bytes, table.size, 0));
    if (table.revents(0) !== 0) this.#drain(wake);
    waiters.forEach((waiter, index) => this.#report(waiter, table.revents(index + 1)));
  }

  #report(waiter: Waiter, revents: number): void {
    if (waiter.failure !== undefined || revents === 0) return;
    if ((revents & POLLNVAL) === 0) waiter.settle();
    else waiter.settle({ error: syscallError("poll", Errno.EBADF) });
  }

  /** @returns how many waits are left */
  #settleFailed(): number {
    for (const waiter of [...this.#waiters]) {
      if (waiter.failure !== undefined) waiter.settle(waiter.failure);
    }
    return this.#waiters.size;
  }

  #failAll(error: unknown): void {
    for (const waiter of [...this.#waiters]) waiter.settle(waiter.failure ?? { error });
  }

  #interrupt(): void {
    if (this.#wake === undefined) return;
    const one = new Uint8Array(new BigUint64Array([1n]).buffer);
    check("write", libc().write(this.#wake.raw, one, 8n));
  }

  #drain(wake: Fd): void {
    check("read", libc().read(wake.raw, new Uint8Array(8), 8n));
  }
}

const poller = new Poller();
