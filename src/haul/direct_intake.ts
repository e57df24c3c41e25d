/**
 * The destination's end of `--channel direct`: one connection for all iterations of a migration.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { ByteStream, DirectDoor } from "../wire/mod.ts";
import type { TicketOffice } from "./tickets.ts";

/** Waits for a source's CRIU, and has its connection. */
export class DirectIntake implements Disposable {
  /** Where the CRIU may come in, once. */
  readonly door: DirectDoor;
  readonly #stream = Promise.withResolvers<ByteStream>();
  #opened: ByteStream | undefined;
  #closed = false;

  constructor(tickets: TicketOffice, port: number) {
    this.door = { port, ticket: tickets.issue("direct", (stream) => this.#take(stream)) };
    this.#stream.promise.catch(() => {});
  }

  /**
   * The connection, once it is there; it stays this intake's.
   *
   * @throws PhaulError `peer-silent` when none came within `deadlineMs`; what it was given up for
   */
  async stream(deadlineMs: number): Promise<ByteStream> {
    const timer = setTimeout(() => this.#stream.reject(nobodyCame()), deadlineMs);
    try {
      return await this.#stream.promise;
    } finally {
      clearTimeout(timer);
    }
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

function nobodyCame(): PhaulError {
  return new PhaulError(
    "peer-silent",
    "Cannot take pages in directly: the source's connection to the direct port did not come",
    { remedy: "See that nothing between the hosts leads the port of --direct-port elsewhere" },
  );
}
