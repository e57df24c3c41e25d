/**
 * Blocks of a packed stream: what is zero in them is left out, and the rest may be compressed.
 *
 * A block is a header of 8 bytes (flags as u8, its unpacked length as u24, the length of its payload as
 * u32, big-endian), with the flag ZEROS a bitmap, and the payload. The bitmap has one bit, the lowest
 * first, for each cell of 512 bytes; the payload holds the cells whose bit is set, all others are zero.
 * With the flag ZSTD the payload is that content as one frame of zstd, which states its size.
 *
 * Cells are far smaller than pages: what is packed are pages between headers, at any offset.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

/** The most that one block unpacks to. */
export const maxBlockBytes = 64 * 1024;
/** Of a block, before bitmap and payload. */
export const blockHeaderBytes = 8;
/** The most that a packed block takes: no payload is longer than its content. */
export const maxPackedBytes = blockHeaderBytes + maxBlockBytes / 512 / 8 + maxBlockBytes;

const cellBytes = 512;
const Flag = { ZEROS: 1, ZSTD: 2 } as const;

/** Compresses and decompresses blocks. */
export interface BlockCodec {
  /** As one frame, which states the size of its content. */
  compress(content: Uint8Array): Uint8Array;
  /**
   * @param length What must come out of it: nothing larger is allocated.
   * @throws PhaulError `protocol` for anything else
   */
  decompress(frame: Uint8Array, length: number): Uint8Array;
}

/** A header, checked. */
export interface BlockHeader {
  /** Unpacked. */
  readonly rawBytes: number;
  readonly payloadBytes: number;
  /** 0 without a bitmap. */
  readonly bitmapBytes: number;
  readonly compressed: boolean;
}

/**
 * Reads a header; nothing has to be allocated that it could make too large.
 *
 * @throws PhaulError `protocol`
 */
export function readBlockHeader(bytes: Uint8Array): BlockHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, blockHeaderBytes);
  const flags = view.getUint8(0);
  const rawBytes = view.getUint32(0) & 0xffffff;
  const payloadBytes = view.getUint32(4);
  if ((flags & ~(Flag.ZEROS | Flag.ZSTD)) !== 0) throw malformed(`unknown flags ${flags}`);
  if (rawBytes < 1 || rawBytes > maxBlockBytes) throw malformed(`${rawBytes} bytes in a block`);
  if (payloadBytes > rawBytes) throw malformed("a payload longer than its block");
  return {
    ...{ rawBytes, payloadBytes },
    bitmapBytes: (flags & Flag.ZEROS) === 0 ? 0 : Math.ceil(cellsOf(rawBytes) / 8),
    compressed: (flags & Flag.ZSTD) !== 0,
  };
}

/**
 * Unpacks into `into`, which has room for the block.
 *
 * @throws PhaulError `protocol` for anything malformed, and for a compressed block without a codec
 */
export function unpackBlock(
  header: BlockHeader,
  bitmap: Uint8Array,
  payload: Uint8Array,
  codec: BlockCodec | undefined,
  into: Uint8Array,
): void {
  const present = header.bitmapBytes === 0 ? undefined : bitmap;
  const kept = present ? keptBytes(present, header.rawBytes) : header.rawBytes;
  const content = contentOf(header, payload, kept, codec);
  if (!present) return into.set(content);
  let taken = 0;
  for (let cell = 0, at = 0; at < header.rawBytes; cell++, at += cellBytes) {
    const length = Math.min(cellBytes, header.rawBytes - at);
    if (isSet(present, cell)) {
      into.set(content.subarray(taken, taken + length), at);
      taken += length;
    } else into.fill(0, at, at + length);
  }
}

function contentOf(
  { compressed, payloadBytes }: BlockHeader,
  payload: Uint8Array,
  kept: number,
  codec: BlockCodec | undefined,
): Uint8Array {
  if (compressed) {
    if (!codec) throw malformed("a compressed block, where none was agreed on");
    return codec.decompress(payload, kept);
  }
  if (payloadBytes !== kept) throw malformed(`a payload of ${payloadBytes} bytes for ${kept}`);
  return payload;
}

function keptBytes(bitmap: Uint8Array, rawBytes: number): number {
  const cells = cellsOf(rawBytes);
  let kept = 0;
  for (let cell = 0; cell < bitmap.length * 8; cell++) {
    if (!isSet(bitmap, cell)) continue;
    if (cell >= cells) throw malformed("a bitmap longer than its block");
    kept += Math.min(cellBytes, rawBytes - cell * cellBytes);
  }
  return kept;
}

/** What packs a block, with buffers of its own. */
export class BlockPacker {
  /** For what does not begin where words do. */
  readonly #aligned = new Uint8Array(maxBlockBytes);
  /** What of a block with zeros is to be compressed. */
  readonly #kept = new Uint8Array(maxBlockBytes);

  /**
   * Packs `raw`, 1 to {@linkcode maxBlockBytes} bytes, into the beginning of `into`, which has room for
   * {@linkcode maxPackedBytes}.
   *
   * @param compress Makes a frame of the content; its result is used where it is smaller.
   * @returns how many bytes it takes there
   */
  pack(
    raw: Uint8Array,
    into: Uint8Array,
    compress?: (content: Uint8Array) => Uint8Array,
  ): number {
    const bitmapBytes = Math.ceil(cellsOf(raw.length) / 8);
    const bitmap = into.subarray(blockHeaderBytes, blockHeaderBytes + bitmapBytes);
    const kept = this.#mark(raw, bitmap);
    const zeros = kept < raw.length;
    const start = blockHeaderBytes + (zeros ? bitmapBytes : 0);
    let flags = zeros ? Flag.ZEROS : 0;
    let payloadBytes = kept;
    const frame = compress && kept > 0 ? compress(this.#content(raw, bitmap, kept)) : undefined;
    if (frame && frame.length < kept) {
      into.set(frame, start);
      payloadBytes = frame.length;
      flags |= Flag.ZSTD;
    } else if (zeros) gather(raw, bitmap, into.subarray(start));
    else into.set(raw, start);
    const view = new DataView(into.buffer, into.byteOffset, blockHeaderBytes);
    view.setUint32(0, flags << 24 | raw.length);
    view.setUint32(4, payloadBytes);
    return start + payloadBytes;
  }

  #content(raw: Uint8Array, bitmap: Uint8Array, kept: number): Uint8Array {
    if (kept === raw.length) return raw;
    gather(raw, bitmap, this.#kept);
    return this.#kept.subarray(0, kept);
  }

  /** Marks the cells that are not zero; returns how many bytes they have. */
  #mark(raw: Uint8Array, bitmap: Uint8Array): number {
    const words = this.#wordsOf(raw);
    bitmap.fill(0);
    let kept = 0;
    for (let cell = 0, at = 0; at < raw.length; cell++, at += cellBytes) {
      const end = Math.min(at + cellBytes, raw.length);
      if (isZero(raw, words, at, end)) continue;
      bitmap[cell >> 3] = (bitmap[cell >> 3] ?? 0) | 1 << (cell & 7);
      kept += end - at;
    }
    return kept;
  }

  /** All its whole words. */
  #wordsOf(raw: Uint8Array): Int32Array {
    if (raw.byteOffset % 4 === 0) {
      return new Int32Array(raw.buffer, raw.byteOffset, raw.length >> 2);
    }
    this.#aligned.set(raw);
    return new Int32Array(this.#aligned.buffer, 0, raw.length >> 2);
  }
}

function isZero(raw: Uint8Array, words: Int32Array, start: number, end: number): boolean {
  for (let word = start >> 2; word < end >> 2; word++) {
    if (words[word] !== 0) return false;
  }
  for (let at = end & ~3; at < end; at++) {
    if (raw[at] !== 0) return false;
  }
  return true;
}

/** Copies the cells that are marked, runs of them at once, to the beginning of `into`. */
function gather(raw: Uint8Array, bitmap: Uint8Array, into: Uint8Array): void {
  const cells = cellsOf(raw.length);
  let filled = 0;
  for (let cell = 0; cell < cells; cell++) {
    if (!isSet(bitmap, cell)) continue;
    const first = cell;
    while (cell < cells && isSet(bitmap, cell)) cell++;
    const run = raw.subarray(first * cellBytes, cell * cellBytes);
    into.set(run, filled);
    filled += run.length;
  }
}

function cellsOf(rawBytes: number): number {
  return Math.ceil(rawBytes / cellBytes);
}

function isSet(bitmap: Uint8Array, cell: number): boolean {
  return ((bitmap[cell >> 3] ?? 0) >> (cell & 7) & 1) === 1;
}

function malformed(what: string): PhaulError {
  return new PhaulError("protocol", `Cannot unpack the peer's pages: ${what}`);
}
