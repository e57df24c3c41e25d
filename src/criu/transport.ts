/**
 * How requests reach a criu: here, a `criu swrk` of one's own over a socket pair.
 *
 * @module
 */

import { SyscallError } from "../errors.ts";
import {
  type Child,
  Errno,
  type ExitStatus,
  type Fd,
  type Message,
  recvMessage,
  sendMessage,
  seqpacketPair,
  shutdownSocket,
  signalName,
  spawn,
} from "../sys/mod.ts";
import { LastWords } from "./last_words.ts";

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
  using owned = new DisposableStack();
  const [ours, theirs] = seqpacketPair();
  using _theirs = theirs;
  owned.use(ours);
  const words = LastWords.open();
  if (words) owned.use(words);
  const child = spawn({
    command: criuPath,
    args: ["swrk", String(theirs.raw)],
    env: { ...Deno.env.toObject(), PATH: pathWithSbin() },
    inherit: [theirs, ...options.inherit ?? []],
    stdout: words?.childEnd,
    stderr: words?.childEnd,
    newSession: true,
  });
  words?.childEnd.close();
  owned.move();
  return new SwrkTransport(child, ours, words);
}

/** CRIU runs iptables, nft and ip, which are not on an ordinary user's PATH. */
function pathWithSbin(): string {
  return [Deno.env.get("PATH") ?? "/usr/bin:/bin", "/usr/local/sbin:/usr/sbin:/sbin"].join(":");
}

class SwrkTransport implements CriuTransport {
  readonly exited: Promise<void>;
  readonly #child: Child;
  readonly #socket: Fd;
  readonly #words: LastWords | undefined;
  readonly #closed = new AbortController();
  #status: ExitStatus | undefined;
  #lastLine: string | undefined;

  constructor(child: Child, socket: Fd, words: LastWords | undefined) {
    this.#child = child;
    this.#socket = socket;
    this.#words = words;
    this.exited = this.#awaitEnd();
  }

  get pid(): number {
    return this.#child.pid;
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
    if (this.#status !== undefined || this.#child.pidfd.closed) return;
    // Not reaped yet, so its session and process group still are its own.
    if (children) Deno.kill(-this.#child.pid, "SIGKILL");
    else if (!this.#child.pidfd.dead) this.#child.kill("SIGKILL");
  }

  obituary(): string {
    const status = this.#status;
    if (status === undefined) return "criu is gone";
    if ("signal" in status) return `criu was killed by ${signalName(status.signal)}`;
    const words = this.#lastLine === undefined ? "" : `: ${this.#lastLine}`;
    return `criu ended with exit code ${status.code}${words}`;
  }

  close(): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(new Error("the CRIU session was closed"));
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
    this.#child[Symbol.dispose]();
  }

  async #awaitEnd(): Promise<void> {
    try {
      this.#status = await this.#child.wait();
    } catch {
      // Its status is lost: taken by somebody else, or stuck in the kernel and left behind.
    }
    this.#lastLine = this.#words?.lastLine();
    this.#words?.[Symbol.dispose]();
    // Workers that criu forked hold its end of the socket too, and a page server does for long: without
    // this, criu's death would show only after theirs. What it sent before can still be received.
    if (!this.#socket.closed) shutdownSocket(this.#socket, "read");
  }
}

function isHangUp(error: unknown): boolean {
  return error instanceof SyscallError &&
    (error.errno === Errno.EPIPE || error.errno === Errno.ECONNRESET);
}
