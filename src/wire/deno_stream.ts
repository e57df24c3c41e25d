/**
 * A ByteStream over the runtime's own connections: plain TCP, and the server's side of TLS.
 *
 * @module
 */

import { connectionLost, type DialledStream } from "./stream.ts";

/** What a Deno.Conn and a Deno.TlsConn have in common here. */
export type RuntimeConnection = Pick<Deno.Conn, "read" | "write" | "closeWrite" | "close">;

/** Owns `connection`. */
export class DenoStream implements DialledStream {
  readonly peer: string;
  readonly remoteHost: string;
  readonly #connection: RuntimeConnection;
  readonly #reading = new Interruptible();
  readonly #writing = new Interruptible();
  #closed = false;

  constructor(connection: RuntimeConnection, peer: string, remoteHost: string) {
    this.#connection = connection;
    this.peer = peer;
    this.remoteHost = remoteHost;
  }

  async read(into: Uint8Array): Promise<number | null> {
    try {
      return await this.#reading.run(() => this.#connection.read(into));
    } catch (cause) {
      throw this.#lost(cause);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        done += await this.#writing.run(() => this.#connection.write(bytes.subarray(done)));
      }
    } catch (cause) {
      throw this.#lost(cause);
    }
  }

  async closeWrite(): Promise<void> {
    try {
      await this.#writing.run(() => this.#connection.closeWrite());
    } catch (cause) {
      throw this.#lost(cause);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
    this.#reading.interrupt();
    this.#writing.interrupt();
  }

  #lost(cause: unknown) {
    return connectionLost(this.peer, this.#closed ? "closed on this side" : cause);
  }
}

/**
 * One operation at a time that can be given up. Closing a TLS connection does not end a write that
 * waits for a peer who does not read (2.6.8): the operation holds on to the connection.
 */
class Interruptible {
  #reject: ((cause: unknown) => void) | undefined;

  run<T>(operation: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      operation().then(resolve, reject);
    });
  }

  interrupt(): void {
    this.#reject?.("interrupted");
  }
}
