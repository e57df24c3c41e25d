/**
 * Messages of CRIU's page-server protocol, as a CRIU up to 4.1.1 sends them; page_stream.ts says how they
 * are made up.
 *
 * @module
 */

import type { PageImage } from "./page_stream.ts";

const HEADER_BYTES = 24;
const OPEN = 3;
const ADD_F = 6;
const CLOSE = 0x1023;
const KINDS = { task: 1, shared: 2 } as const satisfies Record<PageImage["kind"], number>;

/** A sender's messages; none of them but the last is answered. */
export const PageMessages = {
  /** Runs are of that image from here on. */
  open({ kind, id }: PageImage): Uint8Array {
    const { bytes, view } = header(OPEN);
    view.setBigUint64(16, BigInt(id) << 8n | BigInt(KINDS[kind]), true);
    return bytes;
  },

  /**
   * A run of pages, whose contents follow when they are present.
   *
   * @param flags Those of a pagemap's entry.
   */
  run(address: number, count: number, flags: number): Uint8Array {
    const { bytes, view } = header(ADD_F | flags << 16);
    view.setUint32(4, count, true);
    view.setBigUint64(8, BigInt(address), true);
    return bytes;
  },

  /** All was sent; an int32 comes back, 0. */
  close(): Uint8Array {
    return header(CLOSE).bytes;
  },
} as const;

function header(word: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, word, true);
  return { bytes, view };
}
