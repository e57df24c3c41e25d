/**
 * How requests reach a criu: here, a `criu swrk` of one's own over a socket pair.
 *
 * @module
 */

import {
  type Child,
  type Fd,
  type Message,
  recvMessage,
  sendMessage,
  seqpacketPair,
  spawn,
} from "../sys/mod.ts";

/** A connection to a criu that keeps message borders and carries descriptors. */
export interface CriuTransport extends Disposable {
  /** The criu's pid. */
  readonly pid: number;
  send(bytes: Uint8Array): Promise<void>;
  /** The next message, or null when criu is gone; the caller owns its descriptors. */
  receive(): Promise<Message | null>;
  /** Ends criu at once. */
  kill(): void;
  /** Resolves when criu has ended and was reaped. */
  readonly exited: Promise<void>;
  /** Ends the conversation: an idle criu goes away. */
  close(): void;
}

/** What a new swrk gets. */
export interface SwrkOptions {
  /** Open in it under the same numbers. */
  readonly inherit?: readonly Fd[];
}

/**
 * Starts `criu swrk` in a session of its own: a Ctrl-C or a dropped terminal must not reach it.
 *
 * @throws SyscallError when it cannot be started
 */
export function startSwrk(criuPath: string, options: SwrkOptions = {}): CriuTransport {
  const [ours, theirs] = seqpacketPair();
  using _theirs = theirs;
  try {
    const child = spawn({
      command: criuPath,
      args: ["swrk", String(theirs.raw)],
      inherit: [theirs, ...options.inherit ?? []],
      newSession: true,
    });
    return new SwrkTransport(child, ours);
  } catch (error) {
    ours.close();
    throw error;
  }
}

class SwrkTransport implements CriuTransport {
  readonly exited: Promise<void>;
  readonly #child: Child;
  readonly #socket: Fd;
  readonly #closed = new AbortController();

  constructor(child: Child, socket: Fd) {
    this.#child = child;
    this.#socket = socket;
    this.exited = child.wait().then(() => {});
    this.exited.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid;
  }

  send(bytes: Uint8Array): Promise<void> {
    return sendMessage(this.#socket, bytes);
  }

  receive(): Promise<Message | null> {
    return recvMessage(this.#socket, { signal: this.#closed.signal });
  }

  kill(): void {
    if (!this.#child.pidfd.closed && !this.#child.pidfd.dead) this.#child.kill("SIGKILL");
  }

  close(): void {
    this.#closed.abort(new Error("the CRIU session was closed"));
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
    this.#child[Symbol.dispose]();
  }
}
