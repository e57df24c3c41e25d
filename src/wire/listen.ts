/**
 * The destination's port.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { DenoStream } from "./deno_stream.ts";
import type { Identity } from "./identity.ts";
import { type Address, type ByteStream, formatAddress } from "./stream.ts";

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

/** The wait after an accept that failed, such as for want of file descriptors. */
const acceptPauseMs = 100;

/**
 * Listens on `address`; port 0 lets the kernel choose.
 *
 * @param flag Where the address came from, for errors.
 * @throws PhaulError `port-in-use`, `usage` (no such local address)
 */
export function listen(
  address: Address,
  security: ServerSecurity,
  flag = "--listen",
): Promise<WireListener> {
  // The runtime listens at once; a promise leaves room for one that does not.
  try {
    return Promise.resolve(new RuntimeListener(listenerFor(address, security)));
  } catch (cause) {
    return Promise.reject(listenError(address, flag, cause));
  }
}

type RuntimeServer = Deno.TcpListener | Deno.TlsListener;

function listenerFor({ host, port }: Address, security: ServerSecurity): RuntimeServer {
  const where = { hostname: host, port };
  switch (security.kind) {
    case "tls": {
      const { certPem, keyPem } = security.identity;
      return Deno.listenTls({ ...where, cert: certPem, key: keyPem });
    }
    case "insecure":
      return Deno.listen(where);
    default:
      return security satisfies never;
  }
}

class RuntimeListener implements WireListener {
  readonly address: Address;
  readonly #listener: RuntimeServer;
  #closed = false;

  constructor(listener: RuntimeServer) {
    this.#listener = listener;
    this.address = { host: listener.addr.hostname, port: listener.addr.port };
  }

  async accept(): Promise<ByteStream | null> {
    while (!this.#closed) {
      try {
        return streamOf(await this.#listener.accept());
      } catch {
        // A peer that gave up meanwhile or a lack of descriptors must not end the service.
        if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, acceptPauseMs));
      }
    }
    return null;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
  }
}

function streamOf(connection: Deno.TcpConn | Deno.TlsConn): ByteStream {
  // The runtime offers these for plain TCP only; docs/protocol.md says what stands in for them.
  if ("setNoDelay" in connection) {
    connection.setNoDelay(true);
    connection.setKeepAlive(true);
  }
  const { hostname, port } = connection.remoteAddr;
  return new DenoStream(connection, formatAddress({ host: hostname, port }), hostname);
}

function listenError(address: Address, flag: string, cause: unknown): PhaulError {
  const where = formatAddress(address);
  if (cause instanceof Deno.errors.AddrInUse) {
    return new PhaulError("port-in-use", `Cannot listen on ${where}: the port is in use`, {
      cause,
      remedy: `Stop what listens there, or name another port with ${flag}`,
    });
  }
  const text = cause instanceof Error ? cause.message : String(cause);
  return new PhaulError("usage", `Cannot listen on ${where}: ${text}`, {
    cause,
    remedy: `Name an address of this host with ${flag}`,
  });
}
