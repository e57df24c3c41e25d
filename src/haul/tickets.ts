/**
 * One-time tickets that admit data connections.
 *
 * @module
 */

import { type ByteStream, type DataKind, ticketBytes } from "../wire/mod.ts";

/** What a ticket may be for: a data connection, or one that a CRIU sends pages over itself. */
export type TicketKind = DataKind | "direct";

/** Takes the stream that came with a ticket; it is the taker's from then on. */
export type TicketHolder = (stream: ByteStream) => void;

interface Issued {
  readonly kind: TicketKind;
  readonly holder: TicketHolder;
}

/** All tickets of a server, by their hexadecimal text. */
export class TicketBook {
  readonly #issued = new Map<string, Issued>();
  readonly #redeemed = new Map<string, TicketHolder>();

  /** An office that issues into this book and revokes only what it issued itself. */
  office(): TicketOffice {
    return new TicketOffice(this.#issued);
  }

  /** True exactly once for each ticket issued for `kind`. */
  redeem(ticket: Uint8Array, kind: TicketKind): boolean {
    const text = ticket.toHex();
    const issued = this.#issued.get(text);
    if (issued?.kind !== kind) return false;
    this.#issued.delete(text);
    this.#redeemed.set(text, issued.holder);
    return true;
  }

  /** Hands the stream of a redeemed ticket to its holder; closes it when there is none. */
  deliver(ticket: Uint8Array, stream: ByteStream): void {
    const text = ticket.toHex();
    const holder = this.#redeemed.get(text);
    this.#redeemed.delete(text);
    if (holder) holder(stream);
    else stream.close();
  }
}

/** The tickets of one migration. */
export class TicketOffice {
  readonly #book: Map<string, Issued>;
  readonly #own = new Set<string>();

  constructor(book: Map<string, Issued>) {
    this.#book = book;
  }

  /** A new ticket of 32 random bytes. */
  issue(kind: TicketKind, holder: TicketHolder): Uint8Array {
    const ticket = crypto.getRandomValues(new Uint8Array(ticketBytes));
    const text = ticket.toHex();
    this.#book.set(text, { kind, holder });
    this.#own.add(text);
    return ticket;
  }

  /** Makes every ticket of this office that was not used worthless. */
  revoke(): void {
    for (const text of this.#own) this.#book.delete(text);
    this.#own.clear();
  }
}
