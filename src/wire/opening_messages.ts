/**
 * The messages of an opening, after the preambles.
 *
 * @module
 */

import { decodeMessage, encodeMessage } from "./codec.ts";
import { PhaulError } from "../errors.ts";
import { Fields } from "./fields.ts";
import { readFrame, writeFrame } from "./frames.ts";
import { ticketBytes } from "./replies.ts";
import { type ErrorTexts, readErrorTexts, remoteError } from "./peer_error.ts";
import { proofBytes } from "./proof.ts";
import type { ByteStream } from "./stream.ts";

/** The cap of an opening's frames: whoever sends them has proved nothing yet. */
export const maxOpeningFrameBytes = 16 * 1024;

const maxAbilities = 64;
const abilityName = /^[a-z-]+$/;

/** A connection that carries raw bytes: for one iteration, pages that come late, or from rsync to rsync. */
export type DataKind = "pages" | "images" | "late" | "files";

/** The dialling side says what the connection is for. */
export type Hello =
  | { readonly type: "hello"; readonly kind: "control"; readonly nonce: Uint8Array }
  | { readonly type: "hello"; readonly kind: DataKind; readonly ticket: Uint8Array };

/** One message of an opening. Proofs are absent without TLS. */
export type OpeningMessage =
  | Hello
  | {
    readonly type: "welcome";
    readonly nonce: Uint8Array;
    readonly proof?: Uint8Array;
    readonly abilities?: readonly string[];
  }
  | { readonly type: "proof"; readonly proof?: Uint8Array }
  | { readonly type: "accepted" }
  | { readonly type: "refused"; readonly texts: ErrorTexts };

const kindValues = {
  "CONTROL": "control",
  "PAGES": "pages",
  "IMAGES": "images",
  "FILES": "files",
  "LATE": "late",
} as const;
const kindNumbers = { "control": 1, "pages": 2, "images": 3, "files": 4, "late": 8 } as const;

/** `message` as bytes. */
export function encodeOpening(message: OpeningMessage): Uint8Array {
  return encodeMessage("Opening", { body: message.type, seq: 0, fields: fieldsOf(message) });
}

/**
 * The message in `bytes`.
 *
 * @throws PhaulError `protocol`
 */
export function decodeOpening(bytes: Uint8Array): OpeningMessage {
  const { body, fields: values } = decodeMessage("Opening", bytes);
  const fields = new Fields(body, values);
  switch (body) {
    case "hello":
      return readHello(fields);
    case "welcome": {
      const nonce = fields.bytes("nonce", proofBytes);
      const abilities = fields.texts("abilities", maxAbilities, 40, abilityName);
      return { type: body, nonce, proof: fields.optionalBytes("proof", proofBytes), abilities };
    }
    case "proof":
      return { type: body, proof: fields.optionalBytes("proof", proofBytes) };
    case "accepted":
      return { type: body };
    case "refused":
      return { type: body, texts: readErrorTexts(fields) };
    default:
      throw new PhaulError("protocol", `Cannot take the peer's message "${body}": it is unknown`);
  }
}

/** Sends one message of an opening. */
export async function sendOpening(stream: ByteStream, message: OpeningMessage): Promise<void> {
  await writeFrame(stream, encodeOpening(message), maxOpeningFrameBytes);
}

/**
 * The next message, which must be of type `type`.
 *
 * @throws RemoteError when the peer refused instead; PhaulError `protocol`, `peer-lost`
 */
export async function expectOpening<T extends OpeningMessage["type"]>(
  stream: ByteStream,
  type: T,
): Promise<Extract<OpeningMessage, { type: T }>> {
  const bytes = await readFrame(stream, maxOpeningFrameBytes);
  if (bytes === null) {
    const message = `Cannot open a connection with ${stream.peer}: it closed it half-way`;
    throw new PhaulError("peer-lost", message);
  }
  const message = decodeOpening(bytes);
  if (isOfType(message, type)) return message;
  if (message.type === "refused") throw remoteError(message.texts);
  throw new PhaulError(
    "protocol",
    `Cannot open a connection with ${stream.peer}: "${message.type}" came instead of "${type}"`,
  );
}

function isOfType<T extends OpeningMessage["type"]>(
  message: OpeningMessage,
  type: T,
): message is Extract<OpeningMessage, { type: T }> {
  return message.type === type;
}

function readHello(fields: Fields): Hello {
  const kind = fields.choice("kind", kindValues);
  if (kind === "control") return { type: "hello", kind, nonce: fields.bytes("nonce", proofBytes) };
  return { type: "hello", kind, ticket: fields.bytes("ticket", ticketBytes) };
}

function fieldsOf(message: OpeningMessage): Readonly<Record<string, unknown>> {
  switch (message.type) {
    case "hello": {
      const kind = kindNumbers[message.kind];
      return message.kind === "control"
        ? { kind, nonce: message.nonce }
        : { kind, ticket: message.ticket };
    }
    case "welcome":
      return { nonce: message.nonce, proof: message.proof, abilities: message.abilities };
    case "proof":
      return { proof: message.proof };
    case "accepted":
      return {};
    case "refused":
      return { ...message.texts };
    default:
      return message satisfies never;
  }
}
