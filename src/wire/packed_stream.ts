/**
 * A stream that packs what is written to it and unpacks what is read from it.
 *
 * Whoever uses it sees the same bytes on both sides; only the stream below carries less. A write is
 * complete in itself, so that a short message never waits for more.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { CompressionGauge } from "./compression_gauge.ts";
import {
  type BlockCodec,
  blockHeaderBytes,
  BlockPacker,
  maxBlockBytes,
  maxPackedBytes,
  readBlockHeader,
  unpackBlock,
} from "./packed_block.ts";
import { type ByteStream, readExactly } from "./stream.ts";

/** Blocks that leave in one write at most. */
const BLOCKS_AT_ONCE = 4;

/** What a packed stream may do. */
export interface PackedOptions {
  /** Without it no block is compressed, and none that comes may be. */
  readonly codec?: BlockCodec;
  /** Compress all, or what it pays for; nothing is compressed when not given. */
  readonly compress?: "always" | "auto";
  /** A clock that only goes forward. */
  readonly nowMs?: () => number;
}

/** Packs over `stream`, which it owns. */
export class PackedStream implements ByteStream {
  readonly peer: string;
  readonly #stream: ByteStream;
  readonly #codec: BlockCodec | undefined;
  readonly #compress: PackedOptions["compress"];
  readonly #nowMs: () => number;
  readonly #gauge = new CompressionGauge();
  readonly #packer = new BlockPacker();
  readonly #out = new Uint8Array(BLOCKS_AT_ONCE * maxPackedBytes);
  readonly #header = new Uint8Array(blockHeaderBytes);
  readonly #in = new Uint8Array(maxPackedBytes);
  /** The block being read. */
  readonly #block = new Uint8Array(maxBlockBytes);
  #left = new Uint8Array();
  #sentBytes = 0;

  constructor(stream: ByteStream, options: PackedOptions = {}) {
    this.#stream = stream;
    this.peer = stream.peer;
    this.#codec = options.codec;
    this.#compress = options.compress;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Bytes that left, packed. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  async read(into: Uint8Array): Promise<number | null> {
    if (into.length === 0) return 0;
    if (this.#left.length === 0) {
      const direct = await this.#nextBlock(into);
      if (direct === null || direct > 0) return direct;
    }
    const count = Math.min(into.length, this.#left.length);
    into.set(this.#left.subarray(0, count));
    this.#left = this.#left.subarray(count);
    return count;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      let filled = 0;
      for (let block = 0; block < BLOCKS_AT_ONCE && done < bytes.length; block++) {
        const raw = bytes.subarray(done, done + maxBlockBytes);
        filled += this.#pack(raw, this.#out.subarray(filled));
        done += raw.length;
      }
      const begunMs = this.#nowMs();
      await this.#stream.write(this.#out.subarray(0, filled));
      this.#gauge.sent(filled, this.#nowMs() - begunMs);
      this.#sentBytes += filled;
    }
  }

  closeWrite(): Promise<void> {
    return this.#stream.closeWrite();
  }

  close(): void {
    this.#stream.close();
  }

  #pack(raw: Uint8Array, into: Uint8Array): number {
    const codec = this.#codec;
    const wanted = this.#compress === "always" || (this.#compress === "auto" && this.#gauge.next());
    if (!codec || !wanted) return this.#packer.pack(raw, into);
    return this.#packer.pack(raw, into, (content) => {
      const begunMs = this.#nowMs();
      const frame = codec.compress(content);
      this.#gauge.compressed(content.length, frame.length, this.#nowMs() - begunMs);
      return frame;
    });
  }

  /**
   * Reads the next block, and puts it straight into `into` where it is there as it is and fits.
   *
   * @returns its length when it did; 0 when it is in `#left`; null at the end of the stream
   */
  async #nextBlock(into: Uint8Array): Promise<number | null> {
    if (!await readExactly(this.#stream, this.#header)) return null;
    const header = readBlockHeader(this.#header);
    const { bitmapBytes, payloadBytes, rawBytes, compressed } = header;
    const plain = bitmapBytes === 0 && !compressed && payloadBytes === rawBytes;
    if (plain && rawBytes <= into.length) {
      await this.#readBlock(into.subarray(0, rawBytes));
      return rawBytes;
    }
    const bytes = this.#in.subarray(0, bitmapBytes + payloadBytes);
    await this.#readBlock(bytes);
    const [bitmap, payload] = [bytes.subarray(0, bitmapBytes), bytes.subarray(bitmapBytes)];
    unpackBlock(header, bitmap, payload, this.#codec, this.#block);
    this.#left = this.#block.subarray(0, rawBytes);
    return 0;
  }

  async #readBlock(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0 || await readExactly(this.#stream, bytes)) return;
    throw new PhaulError("protocol", `Cannot read from ${this.peer}: a block without its content`);
  }
}
