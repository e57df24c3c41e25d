/**
 * A TCP socket for a CRIU that sends its pages itself, past phaul.
 *
 * @module
 */

import {
  acknowledgedBytes,
  connectTcp,
  type Fd,
  pushTcp,
  type TcpBounds,
  writeAll,
} from "../sys/mod.ts";
import { shutdownPages } from "./page_channel.ts";

/** CRIU corks its socket, so that the end of each part would wait for up to 200 ms. */
const PUSH_MS = 2;

/** A page channel whose other end is the destination itself. */
export class DirectChannel implements Disposable {
  /** For CRIU: pass it on with `inherit` and name it as `pageServerFd`. */
  readonly criuEnd: Fd;
  #pushing: number | undefined;

  private constructor(socket: Fd) {
    this.criuEnd = socket;
  }

  /**
   * Connects to `address`, an IP address, and says `opening` before anything of CRIU's.
   *
   * @throws SyscallError; the signal's reason when it is aborted
   */
  static async open(
    address: { readonly host: string; readonly port: number },
    opening: Uint8Array,
    bounds: TcpBounds,
  ): Promise<DirectChannel> {
    using stack = new DisposableStack();
    const socket = stack.use(await connectTcp(address, bounds));
    writeAll(socket, Uint8Array.from(opening));
    stack.move();
    return new DirectChannel(socket);
  }

  /** Bytes that the destination's kernel has taken so far. */
  get totalBytes(): number {
    return this.criuEnd.closed ? 0 : acknowledgedBytes(this.criuEnd);
  }

  /** Keeps CRIU's cork from holding anything back, until {@linkcode rest} is called. */
  push(): void {
    this.#pushing ??= setInterval(() => {
      if (!this.criuEnd.closed) pushTcp(this.criuEnd);
    }, PUSH_MS);
  }

  /** Ends what {@linkcode push} began. */
  rest(): void {
    clearInterval(this.#pushing);
    this.#pushing = undefined;
  }

  /** Breaks the channel for whoever holds an end: CRIU gives up cleanly and lets the tree run. */
  shutdown(): void {
    shutdownPages(this.criuEnd);
  }

  /** Closes this process's end. */
  [Symbol.dispose](): void {
    this.rest();
    this.criuEnd.close();
  }
}
