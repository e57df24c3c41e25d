/**
 * CRIU's page-server protocol, parsed as it passes.
 *
 * Each message is a header and, for pages that are present, their contents. Up to CRIU 4.1.1 the header
 * is {u32 cmd, u32 nr, u64 vaddr, u64 dst_id}, from 4.2 on {u32 cmd, u32 pad, u64 nr, u64 vaddr,
 * u64 dst_id}, in native byte order (criu/page-xfer.c); nothing on the wire says which.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

const PAGE_BYTES = 4096;
const NARROW_BYTES = 24;
const WIDE_BYTES = 32;
/** 4 TiB in one message: more than any tree has, far less than what would overflow. */
const MAX_PAGES = 2 ** 30;

const Command = {
  ADD: 1,
  HOLE: 2,
  OPEN: 3,
  OPEN2: 4,
  PARENT: 5,
  ADD_F: 6,
  CLOSE: 0x1023,
  FORCE_CLOSE: 0x1024,
} as const;

const FLAG_PARENT = 1;
const FLAG_PRESENT = 4;

interface Header {
  readonly command: number;
  readonly flags: number;
  readonly pages: number;
}

/** Counts what passes; takes bytes in chunks of any size, from the first one of an iteration on. */
export class PageStreamParser {
  readonly #header = new Uint8Array(WIDE_BYTES);
  #filled = 0;
  #payloadLeft = 0;
  #headerBytes: typeof NARROW_BYTES | typeof WIDE_BYTES | undefined;
  #pages = 0;
  #parentPages = 0;
  #holePages = 0;
  #bytes = 0;
  #ended = false;

  /** Pages whose contents passed, shared memory included. */
  get pages(): number {
    return this.#pages;
  }

  /** Pages that an earlier iteration holds. */
  get parentPages(): number {
    return this.#parentPages;
  }

  /** Pages said to be neither present nor in a parent. */
  get holePages(): number {
    return this.#holePages;
  }

  /** Bytes that passed, headers included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** True once CRIU has closed the iteration. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Length of a header: 24 up to CRIU 4.1.1, 32 from 4.2 on; undefined before it can be known. */
  get headerBytes(): 24 | 32 | undefined {
    return this.#headerBytes;
  }

  /**
   * Takes the next bytes.
   *
   * @throws PhaulError `page-stream` for anything that is not the protocol
   */
  feed(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    for (let at = 0; at < chunk.length;) {
      if (this.#payloadLeft > 0) {
        const skipped = Math.min(this.#payloadLeft, chunk.length - at);
        this.#payloadLeft -= skipped;
        at += skipped;
      } else at += this.#takeHeader(chunk.subarray(at));
    }
  }

  /** Takes as much of a header as there is; returns the count of bytes taken. */
  #takeHeader(rest: Uint8Array): number {
    const wanted = (this.#headerBytes ?? NARROW_BYTES) - this.#filled;
    const part = rest.subarray(0, wanted);
    this.#header.set(part, this.#filled);
    this.#filled += part.length;
    if (part.length < wanted) return part.length;
    this.#headerBytes ??= this.#detect();
    if (this.#filled < this.#headerBytes && !this.#endsAtOnce()) return part.length;
    this.#filled = 0;
    this.#take(this.#decode());
    return part.length;
  }

  /** The first message has neither pages nor an address, so only the narrow form has an id there. */
  #detect(): 24 | 32 {
    return this.#view.getBigUint64(16, true) !== 0n ? NARROW_BYTES : WIDE_BYTES;
  }

  /** A stream of nothing but its end is zero after the command in either form: nothing may be waited for. */
  #endsAtOnce(): boolean {
    return this.#filled === NARROW_BYTES && isClose(this.#view.getUint32(0, true) & 0xffff);
  }

  #decode(): Header {
    const word = this.#view.getUint32(0, true);
    const pages = this.#headerBytes === NARROW_BYTES
      ? this.#view.getUint32(4, true)
      : Number(this.#view.getBigUint64(8, true));
    return { command: word & 0xffff, flags: word >>> 16, pages };
  }

  #take({ command, flags, pages }: Header): void {
    // The rest of a wide closing header may come after it was understood.
    if (this.#ended) return;
    if (pages > MAX_PAGES) throw malformed(`${pages} pages in one message`);
    switch (command) {
      case Command.ADD:
        return this.#present(pages);
      case Command.ADD_F:
        if (flags & FLAG_PRESENT) return this.#present(pages);
        if (flags & FLAG_PARENT) this.#parentPages += pages;
        else this.#holePages += pages;
        return;
      case Command.HOLE:
        this.#parentPages += pages;
        return;
      case Command.OPEN:
      case Command.OPEN2:
      case Command.PARENT:
        return;
      case Command.CLOSE:
      case Command.FORCE_CLOSE:
        this.#ended = true;
        return;
      default:
        throw malformed(`unknown command ${command}`);
    }
  }

  #present(pages: number): void {
    this.#pages += pages;
    this.#payloadLeft = pages * PAGE_BYTES;
  }

  get #view(): DataView {
    return new DataView(this.#header.buffer);
  }
}

function isClose(command: number): boolean {
  return command === Command.CLOSE || command === Command.FORCE_CLOSE;
}

function malformed(what: string): PhaulError {
  return new PhaulError("page-stream", `Cannot understand CRIU's page stream: ${what}`);
}
