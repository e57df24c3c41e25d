/**
 * What travels on a control link: requests, replies, errors and the heartbeat, each with its number.
 *
 * @module
 */

import { decodeMessage, encodeMessage, type RawMessage } from "./codec.ts";
import { PhaulError } from "../errors.ts";
import { Fields } from "./fields.ts";
import type { Request } from "./messages.ts";
import type { Reply } from "./replies.ts";
import { readReply, readRequest } from "./message_decoders.ts";
import { replyFields, requestFields } from "./message_encoders.ts";
import { type ErrorTexts, readErrorTexts } from "./peer_error.ts";
import { inverted, replyBodies, requestBodies } from "./vocabulary.ts";

/** One message of a control link. `seq` of a reply or error is that of its request. */
export type Envelope =
  | { readonly type: "ping" }
  | { readonly type: "pong" }
  | { readonly type: "request"; readonly seq: number; readonly request: Request }
  | { readonly type: "reply"; readonly seq: number; readonly reply: Reply }
  | { readonly type: "error"; readonly seq: number; readonly texts: ErrorTexts };

const requestTypes = inverted(requestBodies);
const replyTypes = inverted(replyBodies);

/** `envelope` as bytes. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  return encodeMessage("Envelope", rawOf(envelope));
}

/**
 * The envelope in `bytes`.
 *
 * @throws PhaulError `protocol` for an unknown body, a field out of bounds, anything malformed
 */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const { body, seq, fields } = decodeMessage("Envelope", bytes);
  if (body === "ping" || body === "pong") return { type: body };
  if (seq === 0) {
    throw new PhaulError("protocol", `Cannot take the peer's message "${body}": it has no number`);
  }
  const checked = new Fields(body, fields);
  if (body === "error") return { type: "error", seq, texts: readErrorTexts(checked) };
  const requestType = own(requestTypes, body);
  if (requestType) return { type: "request", seq, request: readRequest(requestType, checked) };
  const replyType = own(replyTypes, body);
  if (replyType) return { type: "reply", seq, reply: readReply(replyType, checked) };
  throw new PhaulError("protocol", `Cannot take the peer's message "${body}": it is unknown here`);
}

function rawOf(envelope: Envelope): RawMessage {
  switch (envelope.type) {
    case "ping":
    case "pong":
      return { body: envelope.type, seq: 0, fields: {} };
    case "error":
      return { body: "error", seq: envelope.seq, fields: { ...envelope.texts } };
    case "request": {
      const { seq, request } = envelope;
      return { body: requestBodies[request.type], seq, fields: requestFields(request) };
    }
    case "reply": {
      const { seq, reply } = envelope;
      return { body: replyBodies[reply.type], seq, fields: replyFields(reply) };
    }
    default:
      return envelope satisfies never;
  }
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
