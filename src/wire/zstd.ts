/**
 * zstd for blocks, by a library that is zstd itself as WebAssembly.
 *
 * node:zlib of the runtime (Deno 2.6) has names for zstd and nothing behind them.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { BlockCodec } from "./packed_block.ts";

/** More takes longer, and it is for the links that are slower than that. */
const LEVEL = 1;
/** RFC 8878, little-endian. */
const MAGIC = 0xfd2fb528;

let loading: Promise<BlockCodec> | undefined;

/** The codec; loaded when it is needed first. */
export function loadZstd(): Promise<BlockCodec> {
  return loading ??= load();
}

async function load(): Promise<BlockCodec> {
  // The default: by name there is nothing of a CommonJS module in a bundle.
  const { default: { init, compress, decompress } } = await import("@bokuweb/zstd-wasm");
  await init();
  return {
    compress: (content) => compress(content, LEVEL),
    decompress: (frame, length) => {
      // The library takes the frame's word for how much memory it needs.
      if (frameContentBytes(frame) !== length) throw malformed("its frame has another size");
      let content: Uint8Array;
      try {
        content = decompress(frame);
      } catch (cause) {
        throw malformed("its frame is damaged", cause);
      }
      if (content.length !== length) throw malformed("its frame has less than it says");
      return content;
    },
  };
}

/** What a frame says of the size of its content; undefined where it does not, or is no frame. */
export function frameContentBytes(frame: Uint8Array): number | undefined {
  // Magic, descriptor, window or not, and the size, which has 1, 2 or 4 bytes below 4 GiB.
  if (frame.length < 10) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint32(0, true) !== MAGIC) return undefined;
  const descriptor = view.getUint8(4);
  const single = (descriptor & 0x20) !== 0;
  // A dictionary, or what is reserved.
  if ((descriptor & 0x0b) !== 0) return undefined;
  const at = single ? 5 : 6;
  switch (descriptor >> 6) {
    case 0:
      return single ? view.getUint8(at) : undefined;
    case 1:
      return view.getUint16(at, true) + 256;
    case 2:
      return view.getUint32(at, true);
    default:
      return undefined;
  }
}

function malformed(what: string, cause?: unknown): PhaulError {
  return new PhaulError("protocol", `Cannot unpack the peer's pages: ${what}`, { cause });
}
