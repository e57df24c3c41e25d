/**
 * The one shape of connection that the rest of phaul sees: bytes both ways with backpressure.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

/** A connection to a peer. Whoever got it owns it and closes it; one reader and one writer at a time. */
export interface ByteStream {
  /** The other end as `host:port`, for messages. */
  readonly peer: string;
  /**
   * Reads what is there into `into`, waiting for at least one byte.
   *
   * @returns the count of bytes read, or null at the end of the stream
   * @throws PhaulError `peer-lost` when the connection broke or was closed on this side
   */
  read(into: Uint8Array): Promise<number | null>;
  /**
   * Writes all of `bytes` and waits until they were taken; then the buffer may be reused.
   *
   * @throws PhaulError `peer-lost` when the connection broke or was closed on this side
   */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Ends this direction: the peer reads null after the last byte. On the data streams of `openData`
   * and `acceptConnection` the other direction stays open; on a connection as `dial` returns it, it
   * may end too (node:tls of this runtime knows no half-closed connection).
   */
  closeWrite(): Promise<void>;
  /** Closes at once, both ways; pending reads and writes reject. Closing twice is harmless. */
  close(): void;
}

/** The reading half of a {@linkcode ByteStream}. */
export type ByteSource = Pick<ByteStream, "peer" | "read">;

/** A stream that was dialled. */
export interface DialledStream extends ByteStream {
  /** The peer's IP address: one of several, where a name has more than one. */
  readonly remoteHost: string;
}

/** A TCP address; `host` is a name or an IP address (IPv6 without brackets). */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Fills `into` completely.
 *
 * @returns false when the stream ended before the first byte
 * @throws PhaulError `protocol` when it ended in the middle, and what the stream's read throws
 */
export async function readExactly(stream: ByteSource, into: Uint8Array): Promise<boolean> {
  let filled = 0;
  while (filled < into.length) {
    const count = await stream.read(into.subarray(filled));
    if (count === null) {
      if (filled === 0) return false;
      throw new PhaulError(
        "protocol",
        `Cannot read from ${stream.peer}: it ended after ${filled} of ${into.length} bytes`,
      );
    }
    filled += count;
  }
  return true;
}

/** `cause`, an error of the runtime, as the loss of the connection to `peer`. */
export function connectionLost(peer: string, cause: unknown): PhaulError {
  if (cause instanceof PhaulError) return cause;
  const text = cause instanceof Error && cause.message ? cause.message : String(cause);
  return new PhaulError("peer-lost", `Cannot reach ${peer} any more: ${text}`, { cause });
}

/** `address` as `host:port`, IPv6 in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
