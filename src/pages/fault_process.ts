/**
 * The fault server's process, as the destination has it.
 *
 * @module
 */

import { type Child, type Fd, recvMessage, sendMessage, seqpacketPair, spawn } from "../sys/mod.ts";
import {
  decodeMessage,
  encodeMessage,
  FAULT_SERVER_COMMAND,
  type ServerOrder,
  type ServerReport,
} from "./fault_messages.ts";

/** One fault server, started when it is made. */
export class FaultProcess implements Disposable {
  readonly #child: Child;
  readonly #control: Fd;

  constructor() {
    const [ours, theirs] = seqpacketPair();
    using _theirs = theirs;
    using owned = new DisposableStack();
    owned.use(ours);
    const { command, args } = ownProgram();
    this.#child = spawn({
      command,
      args: [...args, FAULT_SERVER_COMMAND, String(theirs.raw)],
      inherit: [theirs],
      stderr: "inherit",
      newSession: true,
    });
    this.#control = ours;
    owned.move();
  }

  async tell(order: ServerOrder, fds: readonly Fd[] = []): Promise<void> {
    await sendMessage(this.#control, encodeMessage(order), fds);
  }

  /** @returns undefined when it has ended */
  async next(): Promise<{ readonly message: ServerReport; readonly fds: Fd[] } | undefined> {
    const message = await recvMessage(this.#control);
    if (message) return { message: decodeMessage(message.data), fds: message.fds };
    await this.#child.wait();
    this[Symbol.dispose]();
    return undefined;
  }

  /** Ends it at once. */
  kill(): void {
    if (!this.#child.pidfd.closed && !this.#child.pidfd.dead) this.#child.kill("SIGKILL");
  }

  /** Lets it go on by itself. */
  leave(): void {
    this.#control.close();
    this.#child.pidfd.close();
  }

  [Symbol.dispose](): void {
    this.#control.close();
    this.#child[Symbol.dispose]();
  }
}

/** This same program, or, where it is run from its sources, the one file of it. */
function ownProgram(): { readonly command: string; readonly args: readonly string[] } {
  const command = Deno.execPath();
  if (Deno.build.standalone) return { command, args: [] };
  const source = new URL("./fault_server.ts", import.meta.url).pathname;
  return { command, args: ["run", "--allow-all", "--quiet", "--no-config", source] };
}
