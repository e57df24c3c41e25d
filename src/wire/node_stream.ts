/**
 * A ByteStream over a socket of node:tls, the client's side of TLS.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import type { PhaulError } from "../errors.ts";
import { connectionLost, type DialledStream } from "./stream.ts";

/** Owns `socket`, which must be connected and have no other listeners for data. */
export class NodeStream implements DialledStream {
  readonly peer: string;
  readonly remoteHost: string;
  readonly #socket: Duplex;
  /** What came out of the socket and did not fit into the caller's buffer. */
  #rest: Uint8Array = new Uint8Array();
  #failure: PhaulError | undefined;
  #ended = false;
  /** Ends the read that waits, if any. */
  #wake: (() => void) | undefined;
  /** Fails the write that waits, if any: a destroyed socket may never call back. */
  #settle: ((error: PhaulError) => void) | undefined;

  constructor(socket: Duplex, peer: string, remoteHost: string) {
    this.#socket = socket;
    this.peer = peer;
    this.remoteHost = remoteHost;
    const wake = () => this.#wake?.();
    socket.on("readable", wake);
    socket.on("end", () => {
      this.#ended = true;
      wake();
    });
    socket.on("error", (cause: unknown) => this.#fail(cause));
    socket.on("close", () => this.#fail("the connection closed"));
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      if (this.#rest.length === 0) this.#rest = this.#taken();
      if (this.#rest.length > 0) return this.#deliver(into);
      if (this.#ended) return null;
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure;
    // The callback comes when the kernel has the bytes: that is the backpressure, and only then may
    // the caller reuse the buffer.
    await new Promise<void>((resolve, reject) => {
      this.#settle = reject;
      this.#socket.write(bytes, (error) => error ? reject(this.#lost(error)) : resolve());
    });
  }

  async closeWrite(): Promise<void> {
    if (this.#failure) throw this.#failure;
    await new Promise<void>((resolve) => this.#socket.end(resolve));
  }

  close(): void {
    this.#fail("closed on this side");
    this.#socket.destroy();
  }

  #taken(): Uint8Array {
    const chunk: unknown = this.#socket.read();
    if (chunk instanceof Uint8Array) return chunk;
    return typeof chunk === "string" ? Buffer.from(chunk) : new Uint8Array();
  }

  #deliver(into: Uint8Array): number {
    const count = Math.min(into.length, this.#rest.length);
    into.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  #fail(cause: unknown): void {
    this.#failure ??= this.#lost(cause);
    this.#settle?.(this.#failure);
    this.#wake?.();
  }

  #lost(cause: unknown): PhaulError {
    return connectionLost(this.peer, cause);
  }
}
