/**
 * The client's side of TLS: exactly one certificate is accepted.
 *
 * @module
 */

import { timingSafeEqual } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { PhaulError } from "../errors.ts";
import { certificateName, certificatePem, certificateSha256 } from "./certificate.ts";
import { NodeStream } from "./node_stream.ts";
import { type Address, type DialledStream, formatAddress } from "./stream.ts";
import type { JoinToken } from "./token.ts";

/**
 * Connects to `address` by TLS. Aborting `signal` gives it up.
 *
 * @throws PhaulError `impostor`, `protocol`, `peer-unreachable`; what the runtime throws when TCP fails
 */
export async function dialTls(
  address: Address,
  token: JoinToken,
  keepaliveMs: number,
  signal: AbortSignal,
): Promise<DialledStream> {
  const peer = formatAddress(address);
  const raw = await connected(address, signal);
  // Both sockets report errors, the second after the first was dealt with: none may go unheard.
  raw.on("error", () => {});
  // Before the upgrade: afterwards the runtime has no access to these options any more.
  raw.setNoDelay(true);
  raw.setKeepAlive(true, keepaliveMs);
  const socket = connectTls({
    socket: raw,
    servername: certificateName,
    // The certificate is its own authority here. Turning verification off and comparing the digest
    // alone would not do: the runtime then skips the handshake's signature too, and anybody who has
    // seen the certificate could present it without its key.
    ca: [certificatePem(token.certificate)],
    rejectUnauthorized: true,
  });
  socket.on("error", () => {});
  const announced = new Promise<void>((resolve) => socket.once("secure", resolve));
  try {
    await secured(socket, peer, signal);
    requirePinned(socket, token, peer);
    return new NodeStream(socket, peer, raw.remoteAddress ?? "");
  } catch (error) {
    // While a handshake is under way the runtime alone holds the connection: destroying the socket
    // then would let go of the wrong one. A peer that stays silent keeps it until this process ends.
    void announced.then(() => {
      socket.destroy();
      raw.destroy();
    });
    throw error;
  }
}

function connected({ host, port }: Address, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, autoSelectFamily: true });
    const onAbort = () => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    socket.once("error", reject);
    socket.once("connect", () => {
      signal.removeEventListener("abort", onAbort);
      resolve(socket);
    });
  });
}

/** Waits for the end of the handshake, which the runtime announces also when it failed. */
function secured(socket: TLSSocket, peer: string, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const onError = (cause: Error) => reject(handshakeError(peer, cause));
  const onClose = () => reject(handshakeError(peer, new Error("the connection closed")));
  socket.once("error", onError);
  socket.once("close", onClose);
  socket.once("secureConnect", () => {
    if (peerCertificate(socket)) resolve();
    // The error itself comes with the first read.
    else socket.resume();
  });
  return promise.finally(() => {
    signal.removeEventListener("abort", onAbort);
    socket.off("close", onClose);
    socket.off("error", onError);
  });
}

/** A CA in this host's trust store may vouch for the same name: only the exact certificate counts. */
function requirePinned(socket: TLSSocket, token: JoinToken, peer: string): void {
  const certificate = peerCertificate(socket);
  const digest = certificate ? certificateSha256(certificate) : new Uint8Array(32);
  if (!timingSafeEqual(digest, token.certificateSha256)) throw impostor(peer);
}

function peerCertificate(socket: TLSSocket): Uint8Array | undefined {
  // Null, against node's types, when the handshake failed.
  const certificate: { readonly raw?: Uint8Array } | null = socket.getPeerCertificate();
  return certificate?.raw;
}

function handshakeError(peer: string, cause: Error): PhaulError {
  if (/certificate/i.test(cause.message)) return impostor(peer, cause);
  if (/corrupt message|InvalidContentType/i.test(cause.message)) {
    return new PhaulError("protocol", `Cannot connect to ${peer}: it does not speak TLS`, {
      cause,
      remedy: 'Give --insecure on both sides or on neither: it may be a "phaul serve --insecure"',
    });
  }
  return new PhaulError(
    "peer-unreachable",
    `Cannot connect to ${peer}: the TLS handshake failed: ${cause.message}`,
    { cause, remedy: 'Check that it is a "phaul serve", and that it does not run with --insecure' },
  );
}

function impostor(peer: string, cause?: unknown): PhaulError {
  return new PhaulError(
    "impostor",
    `Cannot trust ${peer}: its certificate is not the one in the join token`,
    {
      cause,
      remedy: 'If its "phaul serve" has a new identity, copy its join-token here again; ' +
        "else somebody is in between",
    },
  );
}
