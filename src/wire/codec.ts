/**
 * A typed front of protobufjs for the messages of proto/phaul.proto; nothing untyped leaves it.
 *
 * @module
 */

import protobuf from "protobufjs";
import { PhaulError } from "../errors.ts";

/** The messages that travel on their own. */
export type MessageName = "Opening" | "Envelope" | "ImageFrame";

/** What a message carries: the name of its one body field, the body's fields, and its seq if any. */
export interface RawMessage {
  readonly body: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** 0 for messages without one. */
  readonly seq: number;
}

let root: protobuf.Root | undefined;

function typeOf(name: MessageName): protobuf.Type {
  if (!root) {
    const source = Deno.readTextFileSync(new URL("../../proto/phaul.proto", import.meta.url));
    root = protobuf.parse(source, { keepCase: false }).root;
    root.resolveAll();
  }
  return root.lookupType(`phaul.${name}`);
}

/** `message` as bytes. Fields that are undefined are left out. */
export function encodeMessage(name: MessageName, message: RawMessage): Uint8Array {
  const type = typeOf(name);
  const seq = name === "Envelope" ? { seq: message.seq } : {};
  const made = type.fromObject({ ...seq, [message.body]: defined(message.fields) });
  return type.encode(made).finish();
}

function defined(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/**
 * The message in `bytes`, with defaults for what was left out, enums by name and integers as numbers.
 *
 * @throws PhaulError `protocol` when it is not such a message or has not exactly one known body
 */
export function decodeMessage(name: MessageName, bytes: Uint8Array): RawMessage {
  const type = typeOf(name);
  const message = decodeWith(type, bytes);
  const bodies = type.oneofs["body"]?.oneof.filter((field) => Object.hasOwn(message, field)) ?? [];
  const [body] = bodies;
  if (body === undefined || bodies.length !== 1) {
    throw new PhaulError(
      "protocol",
      `Cannot read the peer's message: ${bodies.length || "no"} known bodies in one ${name}`,
    );
  }
  const plain = type.toObject(message, { longs: Number, enums: String, defaults: true });
  const fields: unknown = plain[body];
  const seq: unknown = plain["seq"];
  return {
    body,
    fields: isRecord(fields) ? fields : {},
    seq: typeof seq === "number" ? seq : 0,
  };
}

/** Whatever protobufjs throws over hostile bytes, stack overflows by nested groups included. */
function decodeWith(type: protobuf.Type, bytes: Uint8Array): protobuf.Message {
  try {
    return type.decode(bytes);
  } catch (cause) {
    throw new PhaulError("protocol", `Cannot read the peer's message: it is no ${type.name}`, {
      cause,
    });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
