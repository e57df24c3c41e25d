/**
 * The archive's outermost layer: frames of zstd (RFC 8878), one after the other, each of which states the
 * size of its content. `zstd -d` reads them as one stream.
 *
 * @module
 */

import { type BlockCodec, frameContentBytes } from "../wire/mod.ts";
import { damaged } from "./damage.ts";

/** What one frame holds at most. */
export const FRAME_CONTENT_BYTES = 512 * 1024;
/** A frame with such a content; zstd adds far less to what it cannot compress. */
const MAX_FRAME_BYTES = FRAME_CONTENT_BYTES + 16 * 1024;

const MAGIC = 0xfd2fb528;
const HEADER_BYTES = 5;
/** By the highest two bits of the descriptor. */
const SIZE_FIELD_BYTES = [0, 2, 4, 8] as const;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

/** Takes the file's bytes in parts of any size and gives out the content of each frame that is whole. */
export class FrameReader {
  readonly #codec: BlockCodec;
  readonly #take: (content: Uint8Array) => void;
  readonly #buffer = new Uint8Array(MAX_FRAME_BYTES);
  #filled = 0;

  /** @param take Told each content; it may keep it. */
  constructor(codec: BlockCodec, take: (content: Uint8Array) => void) {
    this.#codec = codec;
    this.#take = take;
  }

  /** @throws PhaulError `archive-damaged` */
  push(bytes: Uint8Array): void {
    for (let rest = bytes; rest.length > 0;) {
      const part = rest.subarray(0, this.#buffer.length - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      this.#giveOut();
      if (this.#filled === this.#buffer.length) throw damaged("a frame in it is too long");
    }
  }

  /**
   * The file ends here.
   *
   * @throws PhaulError `archive-damaged` within a frame
   */
  finish(): void {
    if (this.#filled > 0) throw damaged("it is cut off");
  }

  #giveOut(): void {
    let start = 0;
    for (;;) {
      const rest = this.#buffer.subarray(start, this.#filled);
      const length = frameBytes(rest);
      if (length === undefined || length > rest.length) break;
      this.#take(this.#unpacked(rest.subarray(0, length)));
      start += length;
    }
    this.#buffer.copyWithin(0, start, this.#filled);
    this.#filled -= start;
  }

  #unpacked(frame: Uint8Array): Uint8Array {
    const size = frameContentBytes(frame);
    if (size === undefined || size > FRAME_CONTENT_BYTES) {
      throw damaged("a frame in it says no size that may be");
    }
    try {
      return this.#codec.decompress(frame, size);
    } catch (cause) {
      throw damaged("a frame in it cannot be unpacked", cause);
    }
  }
}

/**
 * The length of the frame that `bytes` begin with; undefined when they are too few to tell.
 *
 * @throws PhaulError `archive-damaged` when they begin with no frame
 */
export function frameBytes(bytes: Uint8Array): number | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw damaged("there is something else than zstd in it");
  const descriptor = view.getUint8(4);
  const single = (descriptor & 0x20) !== 0;
  // A dictionary, or what is reserved.
  if ((descriptor & 0x0b) !== 0) throw damaged("a frame in it is none that phaul writes");
  const sizeField = SIZE_FIELD_BYTES[descriptor >> 6] ?? 0;
  let at = HEADER_BYTES + (single ? 0 : 1) + (single && sizeField === 0 ? 1 : sizeField);
  for (let last = false; !last;) {
    if (at + BLOCK_HEADER_BYTES > bytes.length) return undefined;
    const header = view.getUint16(at, true) | view.getUint8(at + 2) << 16;
    const kind = header >> 1 & 3;
    if (kind === RESERVED_BLOCK) throw damaged("a frame in it is none that phaul writes");
    last = (header & 1) === 1;
    at += BLOCK_HEADER_BYTES + (kind === RLE_BLOCK ? 1 : header >> 3);
    if (at > MAX_FRAME_BYTES) throw damaged("a frame in it is too long");
  }
  return at + ((descriptor & 4) === 0 ? 0 : CHECKSUM_BYTES);
}
