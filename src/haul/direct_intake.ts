/**
 * The destination's end of `--channel direct`: one connection for all iterations of a migration.
 *
 * @module
 */

import type { PhaulError } from "../errors.ts";
import type { ByteStream } from "../wire/mod.ts";
import type { TicketOffice } from "./tickets.ts";

/** Waits for a source's CRIU, and has its connection. */
export class DirectIntake implements Disposable {
  /** Lets the CRIU in, once. */
  readonly ticket: Uint8Array;
  readonly #stream = Promise.withResolvers<ByteStream>();
  #opened: ByteStream | undefined;
  #closed = false;

  constructor(tickets: TicketOffice) {
    this.ticket = tickets.issue("direct", (stream) => this.#take(stream));
    this.#stream.promise.catch(() => {});
  }

  /** The connection, once it is there; it stays this intake's. Rejects when it is given up. */
  get stream(): Promise<ByteStream> {
    return this.#stream.promise;
  }

  /** Nobody waits any more. */
  abort(reason: PhaulError): void {
    this.#stream.reject(reason);
    this[Symbol.dispose]();
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#opened?.close();
  }

  #take(stream: ByteStream): void {
    if (this.#closed) return stream.close();
    this.#opened = stream;
    this.#stream.resolve(stream);
  }
}
