/**
 * A direct connection: no preamble, no TLS and no chunks, since a CRIU is on the other end. The ticket
 * comes first, then its page stream, one iteration after the other.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { bounded, type StepBounds } from "./cancel.ts";
import { ticketBytes } from "./replies.ts";
import { type ByteStream, connectionLost, readExactly } from "./stream.ts";

/** Bounds of the opening, and who redeems tickets. */
export interface DirectOptions extends StepBounds {
  /** True exactly once for each ticket handed out. */
  readonly redeemTicket: (ticket: Uint8Array) => boolean;
}

/**
 * Reads what a direct connection begins with; closes `stream` when this throws.
 *
 * @returns the ticket, redeemed
 * @throws PhaulError `protocol`, `peer-silent`, `peer-lost`, `cancelled`
 */
export async function acceptDirect(
  stream: ByteStream,
  options: DirectOptions,
): Promise<Uint8Array> {
  const action = `open a direct connection from ${stream.peer}`;
  return await bounded(stream, action, options, async () => {
    const ticket = new Uint8Array(ticketBytes);
    if (!await readExactly(stream, ticket)) throw connectionLost(stream.peer, "it left at once");
    if (options.redeemTicket(ticket)) return ticket;
    throw new PhaulError("protocol", `Cannot ${action}: its ticket is unknown or was used before`);
  });
}
