/**
 * Opens connections: the dialling side.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { bounded } from "./cancel.ts";
import { ChunkedStream } from "./chunks.ts";
import { ControlLink, type LinkOptions } from "./control_link.ts";
import type { Security } from "./dial.ts";
import { frame } from "./frames.ts";
import {
  type DataKind,
  encodeOpening,
  expectOpening,
  type Hello,
  maxOpeningFrameBytes,
  sendOpening,
} from "./opening_messages.ts";
import { errorTexts } from "./peer_error.ts";
import {
  agreedVersion,
  makePreamble,
  ownVersions,
  readPreamble,
  type VersionRange,
} from "./preamble.ts";
import { checkProof, makeNonce, makeProof, type ProofSubject } from "./proof.ts";
import type { ByteStream } from "./stream.ts";
import type { JoinToken } from "./token.ts";

/** Bounds of an opening. */
export interface OpenOptions {
  /** For the whole opening; `peer-silent` after it. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** Other than this build's own; for tests. */
  readonly versions?: VersionRange;
}

/**
 * Opens a control connection over `stream`, which it takes over (closed when this throws).
 *
 * @throws PhaulError `wrong-token`, `version-mismatch`, `protocol`, `peer-silent`, `peer-lost`,
 * `cancelled`
 */
export async function openControl(
  stream: ByteStream,
  security: Security,
  options: OpenOptions & LinkOptions,
): Promise<ControlLink> {
  const nonce = makeNonce();
  let abilities: readonly string[] = [];
  await bounded(stream, `open a connection to ${stream.peer}`, options, async () => {
    const version = await greet(stream, { type: "hello", kind: "control", nonce }, options);
    const welcome = await expectOpening(stream, "welcome");
    abilities = welcome.abilities ?? [];
    if (security.kind === "tls") {
      const subject = {
        version,
        kind: "control",
        sourceNonce: nonce,
        destinationNonce: welcome.nonce,
      };
      await proveBoth(stream, security.token, subject, welcome.proof);
    } else await sendOpening(stream, { type: "proof" });
    await expectOpening(stream, "accepted");
  });
  return new ControlLink(stream, { ...options, abilities });
}

/**
 * Opens a data connection over `stream`, which it takes over (closed when this throws).
 * The ticket, given out over a proved control link, is the proof here.
 *
 * @returns a stream at the first byte of the data; closing it closes `stream`
 * @throws PhaulError as openControl; RemoteError `protocol` when the ticket was refused
 */
export async function openData(
  stream: ByteStream,
  kind: DataKind,
  ticket: Uint8Array,
  options: OpenOptions,
): Promise<ByteStream> {
  await bounded(stream, `open a ${kind} stream to ${stream.peer}`, options, async () => {
    await greet(stream, { type: "hello", kind, ticket }, options);
    await expectOpening(stream, "accepted");
  });
  return new ChunkedStream(stream);
}

/** Sends preamble and hello in one write and settles the version. */
async function greet(stream: ByteStream, hello: Hello, options: OpenOptions): Promise<number> {
  const own = options.versions ?? ownVersions;
  const framed = frame(encodeOpening(hello), maxOpeningFrameBytes);
  await stream.write(Uint8Array.from([...makePreamble(own), ...framed]));
  return agreedVersion(stream.peer, own, await readPreamble(stream));
}

/** The destination proves first: a source gives nothing to a peer that has not. */
async function proveBoth(
  stream: ByteStream,
  { secret }: JoinToken,
  subject: ProofSubject,
  theirs: Uint8Array | undefined,
): Promise<void> {
  if (!theirs || !checkProof(theirs, secret, "destination", subject)) {
    const error = new PhaulError(
      "wrong-token",
      `Cannot trust ${stream.peer}: it does not know the join token's secret`,
      { remedy: "Copy the file join-token from the destination's state directory again" },
    );
    await sendOpening(stream, { type: "refused", texts: errorTexts(error) }).catch(() => {});
    await stream.closeWrite().catch(() => {});
    throw error;
  }
  await sendOpening(stream, { type: "proof", proof: makeProof(secret, "source", subject) });
}
