/**
 * A `criu swrk` of one's own, at the other end of a socket pair.
 *
 * @module
 */

import {
  type Child,
  type ExitStatus,
  type Fd,
  seqpacketPair,
  signalName,
  spawn,
} from "../sys/mod.ts";
import { LastWords } from "./last_words.ts";
import { type CriuProcess, type CriuTransport, SocketTransport } from "./transport.ts";

/**
 * CRIU finds the end of its code in a task by a hardware breakpoint. Where a virtual machine takes one
 * and never delivers it, CRIU before 4.2 waits for ever, with the tree frozen; told so by its fault
 * injection it follows the system calls instead, a handful for each task.
 */
const NO_BREAKPOINTS = { CRIU_FAULT: "130" };

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
    env: { ...NO_BREAKPOINTS, ...Deno.env.toObject(), PATH: pathWithSbin() },
    inherit: [theirs, ...options.inherit ?? []],
    stdout: words?.childEnd,
    stderr: words?.childEnd,
    newSession: true,
  });
  words?.childEnd.close();
  owned.move();
  return new SocketTransport(new OwnCriu(child, words), ours);
}

/** CRIU runs iptables, nft and ip, which are not on an ordinary user's PATH. */
function pathWithSbin(): string {
  return [Deno.env.get("PATH") ?? "/usr/bin:/bin", "/usr/local/sbin:/usr/sbin:/sbin"].join(":");
}

/** A criu that is a child of phaul. */
class OwnCriu implements CriuProcess {
  readonly ended: Promise<string>;
  readonly #child: Child;
  readonly #words: LastWords | undefined;
  #status: ExitStatus | undefined;

  constructor(child: Child, words: LastWords | undefined) {
    this.#child = child;
    this.#words = words;
    this.ended = this.#awaitEnd();
  }

  get pid(): number {
    return this.#child.pid;
  }

  kill(children?: "with-children"): void {
    if (this.#status !== undefined || this.#child.pidfd.closed) return;
    // Not reaped yet, so its session and process group still are its own.
    if (children) Deno.kill(-this.#child.pid, "SIGKILL");
    else if (!this.#child.pidfd.dead) this.#child.kill("SIGKILL");
  }

  [Symbol.dispose](): void {
    this.#child[Symbol.dispose]();
  }

  async #awaitEnd(): Promise<string> {
    try {
      this.#status = await this.#child.wait();
    } catch {
      // Its status is lost: taken by somebody else, or stuck in the kernel and left behind.
    }
    const lastLine = this.#words?.lastLine();
    this.#words?.[Symbol.dispose]();
    return obituaryOf(this.#status, lastLine);
  }
}

function obituaryOf(status: ExitStatus | undefined, lastLine: string | undefined): string {
  if (status === undefined) return "criu is gone";
  if ("signal" in status) return `criu was killed by ${signalName(status.signal)}`;
  const words = lastLine === undefined ? "" : `: ${lastLine}`;
  return `criu ended with exit code ${status.code}${words}`;
}
