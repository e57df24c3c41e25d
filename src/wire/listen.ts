/**
 * The destination's port.
 *
 * @module
 */

import type { Identity } from "./identity.ts";
import type { Address, ByteStream } from "./stream.ts";

/** How a destination protects its connections; both ends must agree. */
export type ServerSecurity =
  | { readonly kind: "tls"; readonly identity: Identity }
  | { readonly kind: "insecure" };

/** A listening port. Whoever got it closes it. */
export interface WireListener {
  /** Where it listens; the port is the real one when 0 was asked for. */
  readonly address: Address;
  /**
   * The next connection; the caller owns it and gives it to acceptConnection. No TLS handshake is
   * waited for here, so a slow peer holds up nobody else.
   *
   * @returns null once the listener is closed
   */
  accept(): Promise<ByteStream | null>;
  /** Stops listening; accepted connections live on. */
  close(): void;
}

/**
 * Listens on `address`; port 0 lets the kernel choose.
 *
 * @throws PhaulError `port-in-use`, `usage` (no such local address)
 */
export function listen(_address: Address, _security: ServerSecurity): Promise<WireListener> {
  return Promise.reject(new Error("under construction"));
}
