/**
 * The archive's middle layer: a tar of plain files, so that `tar --zstd -tf FILE` shows what is in it.
 *
 * @module
 */

import untyped from "tar-stream/headers.js";
import { damaged } from "./damage.ts";

/** What a header says. */
interface Header {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  readonly type: string | null;
}

/** The part of tar-stream that is used here; it comes as untyped JavaScript. */
interface Headers {
  /** Null for what needs more than one header. */
  encode(header: Header & Readonly<Record<string, unknown>>): Uint8Array | null;
  /** Null for an empty block; throws for one whose checksum is wrong. */
  decode(block: Uint8Array): Header | null;
}

const headers: Headers = untyped;

const BLOCK_BYTES = 512;
/** Two empty blocks end a tar. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK_BYTES);

/** The header of a file. */
export function tarHeader(name: string, size: number): Uint8Array {
  const mtime = new Date(0);
  const plain = { mode: 0o600, uid: 0, gid: 0, mtime, type: "file", uname: "", gname: "" };
  const header = headers.encode({ name, size, ...plain });
  if (header?.length !== BLOCK_BYTES) throw new TypeError(`Cannot name an entry "${name}"`);
  return header;
}

/** What fills the last block of a file of that size. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - size % BLOCK_BYTES) % BLOCK_BYTES);
}

/** Who takes the files of a tar. */
export interface TarListener {
  begin(name: string, size: number): void;
  /** The next part of the content; not to be kept. */
  content(bytes: Uint8Array): void;
  end(): void;
}

/** Takes a tar in parts of any size. */
export class TarReader {
  readonly #listener: TarListener;
  readonly #header = new Uint8Array(BLOCK_BYTES);
  #filled = 0;
  /** Of the file that is read now; undefined between files. */
  #left: number | undefined;
  #paddingLeft = 0;
  #endBytes = 0;

  constructor(listener: TarListener) {
    this.#listener = listener;
  }

  /** @throws PhaulError `archive-damaged`, and what the listener throws */
  push(bytes: Uint8Array): void {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(this.#step(rest));
  }

  /**
   * Nothing comes after this.
   *
   * @throws PhaulError `archive-damaged` before the tar's own end
   */
  finish(): void {
    if (this.#endBytes !== TAR_END.length) throw damaged("it is cut off");
  }

  /** Takes some of `bytes`, and says how many. */
  #step(bytes: Uint8Array): number {
    if (this.#endBytes > 0) return this.#takeEnd(bytes);
    if (this.#left !== undefined) return this.#takeContent(bytes, this.#left);
    if (this.#paddingLeft > 0) {
      const padding = bytes.subarray(0, this.#paddingLeft);
      if (padding.some((byte) => byte !== 0)) throw damaged("between its entries is something");
      this.#paddingLeft -= padding.length;
      return padding.length;
    }
    return this.#takeHeader(bytes);
  }

  #takeHeader(bytes: Uint8Array): number {
    const part = bytes.subarray(0, BLOCK_BYTES - this.#filled);
    this.#header.set(part, this.#filled);
    this.#filled += part.length;
    if (this.#filled < BLOCK_BYTES) return part.length;
    this.#filled = 0;
    const header = decoded(this.#header);
    if (header === undefined) {
      this.#endBytes = BLOCK_BYTES;
      return part.length;
    }
    this.#paddingLeft = tarPadding(header.size).length;
    this.#listener.begin(header.name, header.size);
    this.#left = header.size;
    if (header.size === 0) this.#endFile();
    return part.length;
  }

  #takeContent(bytes: Uint8Array, left: number): number {
    const part = bytes.subarray(0, left);
    this.#listener.content(part);
    this.#left = left - part.length;
    if (this.#left === 0) this.#endFile();
    return part.length;
  }

  #endFile(): void {
    this.#left = undefined;
    this.#listener.end();
  }

  #takeEnd(bytes: Uint8Array): number {
    this.#endBytes += bytes.length;
    if (this.#endBytes > TAR_END.length || bytes.some((byte) => byte !== 0)) {
      throw damaged("something follows its end");
    }
    return bytes.length;
  }
}

/** Undefined for an empty block, which begins the end. */
function decoded(block: Uint8Array): { name: string; size: number } | undefined {
  let header: Header | null;
  try {
    header = headers.decode(block);
  } catch (cause) {
    throw damaged("an entry in it has no header that may be", cause);
  }
  if (header === null) {
    if (block.some((byte) => byte !== 0)) throw damaged("an entry in it has no header");
    return undefined;
  }
  const { name, size, type } = header;
  if (type !== "file" || !Number.isSafeInteger(size) || size < 0) {
    throw damaged("an entry in it is no plain file");
  }
  return { name, size };
}
