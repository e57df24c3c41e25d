/**
 * Opens connections: the listening side.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { bounded } from "./cancel.ts";
import { ChunkedStream } from "./chunks.ts";
import { ControlLink, type LinkOptions } from "./control_link.ts";
import type { ServerSecurity } from "./listen.ts";
import { FILES_ABILITY } from "./files_messages.ts";
import type { OpenOptions } from "./opening.ts";
import { type DataKind, expectOpening, type Hello, sendOpening } from "./opening_messages.ts";
import { errorTexts, RemoteError } from "./peer_error.ts";
import { agreedVersion, makePreamble, ownVersions, readPreamble } from "./preamble.ts";
import { checkProof, makeNonce, makeProof } from "./proof.ts";
import type { ByteStream } from "./stream.ts";

/** Bounds of an accepted opening, and who redeems tickets. */
export interface AcceptOptions extends OpenOptions, LinkOptions {
  /** True exactly once for each ticket handed out for this kind. */
  readonly redeemTicket: (ticket: Uint8Array, kind: DataKind) => boolean;
}

/** What an accepted connection turned out to be. The caller owns the link or stream. */
export type Accepted =
  | { readonly kind: "control"; readonly link: ControlLink }
  | { readonly kind: DataKind; readonly ticket: Uint8Array; readonly stream: ByteStream };

/** What a source may ask of this destination that an older one does not know. */
const ABILITIES: readonly string[] = [FILES_ABILITY];

/** How much of a refused peer's bytes is read, and how long, so that it can read why. */
const lingerBytes = 64 * 1024;
const lingerMs = 1000;

/**
 * Answers the opening of a connection that a listener accepted; takes `stream` over (closed when
 * this throws). Requests wait until the link's `serve` is called.
 *
 * @throws PhaulError `wrong-token`, `version-mismatch`, `protocol`, `peer-silent`, `peer-lost`,
 * `cancelled`
 */
export async function acceptConnection(
  stream: ByteStream,
  security: ServerSecurity,
  options: AcceptOptions,
): Promise<Accepted> {
  const action = `open a connection from ${stream.peer}`;
  const hello = await bounded(stream, action, options, async () => {
    const version = await settleVersion(stream, security, options);
    const hello = await expectOpening(stream, "hello");
    await refusing(stream, () => admit(stream, security, version, hello, options));
    await sendOpening(stream, { type: "accepted" });
    return hello;
  });
  if (hello.kind === "control") return { kind: "control", link: new ControlLink(stream, options) };
  return { kind: hello.kind, ticket: hello.ticket, stream: new ChunkedStream(stream) };
}

async function settleVersion(
  stream: ByteStream,
  security: ServerSecurity,
  options: AcceptOptions,
): Promise<number> {
  const own = options.versions ?? ownVersions;
  try {
    const theirs = await readPreamble(stream);
    await stream.write(makePreamble(own));
    return agreedVersion(stream.peer, own, theirs);
  } catch (cause) {
    const error = security.kind === "tls"
      ? handshakeError(stream.peer, cause)
      : asPhaulError(cause);
    // Whoever it is sees by our preamble what it reached; a TLS source, that this is no TLS.
    if (error.code === "protocol") await stream.write(makePreamble(own)).catch(() => {});
    if (error.code !== "peer-lost") await linger(stream);
    throw error;
  }
}

/** Throws when the peer may not come in. */
async function admit(
  stream: ByteStream,
  security: ServerSecurity,
  version: number,
  hello: Hello,
  options: AcceptOptions,
): Promise<void> {
  if (hello.kind !== "control") {
    if (options.redeemTicket(hello.ticket, hello.kind)) return;
    throw new PhaulError(
      "protocol",
      `Cannot open a ${hello.kind} stream: its ticket is unknown or was used before`,
    );
  }
  const { kind, nonce: sourceNonce } = hello;
  const subject = { version, kind, sourceNonce, destinationNonce: makeNonce() };
  const nonce = subject.destinationNonce;
  if (security.kind === "insecure") {
    await sendOpening(stream, { type: "welcome", nonce, abilities: ABILITIES });
    await expectOpening(stream, "proof");
    return;
  }
  const { secret } = security.identity.token;
  const proof = makeProof(secret, "destination", subject);
  await sendOpening(stream, { type: "welcome", nonce, proof, abilities: ABILITIES });
  const theirs = await expectOpening(stream, "proof");
  if (theirs.proof && checkProof(theirs.proof, secret, "source", subject)) return;
  throw new PhaulError("wrong-token", "Cannot let the source in: its join token is not ours", {
    remedy: "Copy the file join-token from the destination's state directory again",
  });
}

/** Runs `step`; when it fails, the peer is told before the error goes on. */
async function refusing(stream: ByteStream, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (error instanceof RemoteError || asPhaulError(error).code === "peer-lost") throw error;
    await sendOpening(stream, { type: "refused", texts: errorTexts(error) }).catch(() => {});
    await linger(stream);
    throw error;
  }
}

/** Closing with unread bytes makes the kernel reset the connection, and the peer lose our last words. */
async function linger(stream: ByteStream): Promise<void> {
  const timer = setTimeout(() => stream.close(), lingerMs);
  try {
    await stream.closeWrite();
    const buffer = new Uint8Array(4096);
    for (let total = 0; total < lingerBytes;) {
      const count = await stream.read(buffer);
      if (count === null) break;
      total += count;
    }
  } catch {
    // The peer is gone: there is nobody left to tell.
  } finally {
    clearTimeout(timer);
  }
}

/** What a failed TLS handshake says about the peer; it surfaces with the first read. */
function handshakeError(peer: string, error: unknown): PhaulError {
  const lost = asPhaulError(error);
  if (!(lost.cause instanceof Deno.errors.InvalidData)) return lost;
  if (lost.cause.message.includes("fatal alert")) {
    return new PhaulError(
      "wrong-token",
      `Cannot let ${peer} in: it refused this side's certificate`,
      { cause: lost, remedy: "Copy this destination's join-token to the source again" },
    );
  }
  return new PhaulError("protocol", `Cannot open a connection from ${peer}: it speaks no TLS`, {
    cause: lost,
    remedy: "Give --insecure on both sides or on neither",
  });
}
