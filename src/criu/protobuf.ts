/**
 * protobufjs behind typed functions: loads the .proto files at first use.
 *
 * @module
 */

import protobuf from "protobufjs";

/** A message type that turns bytes into plain objects and back. */
export interface Codec<T> {
  encode(message: T): Uint8Array<ArrayBuffer>;
  /** @throws Error on bytes that are no such message. */
  decode(bytes: Uint8Array): T;
}

const roots = new Map<string, protobuf.Root>();

function rootOf(file: string): protobuf.Root {
  const known = roots.get(file);
  if (known) return known;
  const text = Deno.readTextFileSync(new URL(`../../proto/${file}`, import.meta.url));
  const { root } = protobuf.parse(text, { keepCase: false });
  roots.set(file, root);
  return root;
}

/** The codec of message `name` in `proto/<file>`; enums are their names, 64-bit numbers are numbers. */
export function codec<T extends object>(file: string, name: string): Codec<T> {
  const type = () => rootOf(file).lookupType(name);
  return {
    encode: (message) => new Uint8Array(type().encode(type().fromObject(message)).finish()),
    decode: (bytes) =>
      type().toObject(type().decode(bytes), { enums: String, longs: Number, arrays: true }) as T,
  };
}
