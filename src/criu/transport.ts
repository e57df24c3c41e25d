/**
 * How requests reach a criu: as messages over a socket whose other end a criu process reads.
 *
 * @module
 */

import { SyscallError } from "../errors.ts";
import {
  Errno,
  type Fd,
  type Message,
  recvMessage,
  sendMessage,
  shutdownSocket,
} from "../sys/mod.ts";

/** A connection to a criu that keeps message borders and carries descriptors. */
export interface CriuTransport extends Disposable {
  /** The criu's pid. */
  readonly pid: number;
  /** Sends one message. One that criu is too dead to take is dropped: `receive` tells of the death. */
  send(bytes: Uint8Array): Promise<void>;
  /** The next message, or null when criu is gone; the caller owns its descriptors. */
  receive(): Promise<Message | null>;
  /** Ends criu at once; `children` too, which forked workers are that do the work of some requests. */
  kill(children?: "with-children"): void;
  /** Resolves when criu has ended and was reaped. */
  readonly exited: Promise<void>;
  /** How criu ended, such as `criu was killed by SIGKILL`; for after `exited`. */
  obituary(): string;
  /** Ends the conversation: an idle criu goes away. */
  close(): void;
}

/** The criu at the other end. Its owner disposes of it. */
export interface CriuProcess extends Disposable {
  readonly pid: number;
  /** Ends it at once; without effect on one that has ended. */
  kill(children?: "with-children"): void;
  /** Resolves once it has ended, to how it did; never rejects. */
  readonly ended: Promise<string>;
}

/** A {@linkcode CriuTransport} over a socket, to any kind of criu process. */
export class SocketTransport implements CriuTransport {
  readonly exited: Promise<void>;
  readonly #process: CriuProcess;
  readonly #socket: Fd;
  readonly #closed = new AbortController();
  #obituary = "criu is gone";

  /** Takes over both. */
  constructor(process: CriuProcess, socket: Fd) {
    this.#process = process;
    this.#socket = socket;
    this.exited = this.#awaitEnd();
  }

  get pid(): number {
    return this.#process.pid;
  }

  async send(bytes: Uint8Array): Promise<void> {
    try {
      await sendMessage(this.#socket, bytes, [], { signal: this.#closed.signal });
    } catch (error) {
      if (this.#closed.signal.aborted || isHangUp(error)) return;
      throw error;
    }
  }

  async receive(): Promise<Message | null> {
    for (;;) {
      try {
        return await recvMessage(this.#socket, { signal: this.#closed.signal });
      } catch (error) {
        if (this.#closed.signal.aborted) return null;
        // Reported once when criu died over a message of ours; what it sent before comes after that.
        if (!isHangUp(error)) throw error;
      }
    }
  }

  kill(children?: "with-children"): void {
    this.#process.kill(children);
  }

  obituary(): string {
    return this.#obituary;
  }

  close(): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(new Error("the CRIU session was closed"));
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
    this.#process[Symbol.dispose]();
  }

  async #awaitEnd(): Promise<void> {
    this.#obituary = await this.#process.ended;
    // Workers that criu forked hold its end of the socket too, and a page server does for long: without
    // this, criu's death would show only after theirs. What it sent before can still be received.
    if (!this.#socket.closed) shutdownSocket(this.#socket, "read");
  }
}

function isHangUp(error: unknown): boolean {
  return error instanceof SyscallError &&
    (error.errno === Errno.EPIPE || error.errno === Errno.ECONNRESET);
}
