/**
 * Connects to a destination: TCP, and TLS with the certificate pinned before a byte is sent.
 *
 * @module
 */

import type { Address, ByteStream } from "./stream.ts";
import type { JoinToken } from "./token.ts";

/** How a source protects its connections; both ends must agree. */
export type Security =
  | { readonly kind: "tls"; readonly token: JoinToken }
  | { readonly kind: "insecure" };

/** The deadlines of {@linkcode dial}. */
export interface DialOptions {
  /** For name lookup, TCP and TLS together. */
  readonly timeoutMs: number;
  /** Idle time before TCP's own keepalive starts to probe. */
  readonly keepaliveMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Connects to `address`. The caller owns the stream.
 *
 * @throws PhaulError `peer-unreachable`, `impostor` (the certificate is not the token's), `protocol`
 * (no TLS there), `cancelled`
 */
export function dial(
  _address: Address,
  _security: Security,
  _options: DialOptions,
): Promise<ByteStream> {
  return Promise.reject(new Error("under construction"));
}
