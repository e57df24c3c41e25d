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
  /** Ends this direction: the peer reads null after the last byte. The other direction stays open. */
  closeWrite(): Promise<void>;
  /** Closes at once, both ways; pending reads and writes reject. Closing twice is harmless. */
  close(): void;
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
export async function readExactly(stream: ByteStream, into: Uint8Array): Promise<boolean> {
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
