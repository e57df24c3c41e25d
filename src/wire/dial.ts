/**
 * Connects to a destination: TCP, and TLS with the certificate pinned before a byte is sent.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { abortReason } from "./cancel.ts";
import { DenoStream } from "./deno_stream.ts";
import { type Address, type DialledStream, formatAddress } from "./stream.ts";
import { dialTls } from "./tls_client.ts";
import type { JoinToken } from "./token.ts";

/** How a source protects its connections; both ends must agree. */
export type Security =
  | { readonly kind: "tls"; readonly token: JoinToken }
  | { readonly kind: "insecure" };

/** The deadlines of {@linkcode dial}. */
export interface DialOptions {
  /** For name lookup, TCP and TLS together. */
  readonly timeoutMs: number;
  /** Idle time before TCP's own keepalive starts to probe, where the runtime lets it be chosen. */
  readonly keepaliveMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Connects to `address`. The caller owns the stream.
 *
 * @throws PhaulError `peer-unreachable`, `impostor` (the certificate is not the token's), `protocol`
 * (no TLS there), `cancelled`
 */
export async function dial(
  address: Address,
  security: Security,
  options: DialOptions,
): Promise<DialledStream> {
  const peer = formatAddress(address);
  const bounds = boundsOf(peer, options);
  try {
    switch (security.kind) {
      case "tls":
        return await dialTls(address, security.token, options.keepaliveMs, bounds.signal);
      case "insecure":
        return await dialPlain(address, bounds.signal);
      default:
        return security satisfies never;
    }
  } catch (cause) {
    if (bounds.signal.aborted) throw abortReason(bounds.signal, `connect to ${peer}`);
    if (cause instanceof PhaulError) throw cause;
    throw unreachable(peer, cause);
  } finally {
    bounds.release();
  }
}

async function dialPlain(address: Address, signal: AbortSignal): Promise<DialledStream> {
  const connection = await connected(address, signal);
  connection.setNoDelay(true);
  connection.setKeepAlive(true);
  return new DenoStream(connection, formatAddress(address), connection.remoteAddr.hostname);
}

/** Deno.connect with a signal of its own leaks when the name cannot be resolved (2.6.8). */
function connected({ host, port }: Address, signal: AbortSignal): Promise<Deno.TcpConn> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) return onAbort();
    Deno.connect({ hostname: host, port }).then((connection) => {
      if (signal.aborted) connection.close();
      else resolve(connection);
    }, reject);
  });
}

/** One signal for the caller's and the deadline. */
function boundsOf(peer: string, { timeoutMs, signal }: DialOptions) {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(unreachable(peer, `no answer within ${timeoutMs} ms`));
  }, timeoutMs);
  const onAbort = () => signal && controller.abort(signal.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  return {
    signal: controller.signal,
    release: () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}

function unreachable(peer: string, cause: unknown): PhaulError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new PhaulError("peer-unreachable", `Cannot connect to ${peer}: ${text}`, {
    cause,
    remedy: 'Check that "phaul serve" runs there and that no firewall is between',
  });
}
