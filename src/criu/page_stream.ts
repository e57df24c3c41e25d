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

const DEFAULT_PAGE_BYTES = 4096;
const NARROW_BYTES = 24;
const WIDE_BYTES = 32;
/** 4 TiB in one message: more than any tree has, far less than what would overflow. */
const MAX_PAGES = 2 ** 30;

/** The low 16 bits of cmd. */
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

/** The high 16 bits of an ADD_F's cmd. */
const Flag = { PARENT: 1, LAZY: 2, PRESENT: 4 } as const;
const ALL_FLAGS = Flag.PARENT | Flag.LAZY | Flag.PRESENT;

/** Counts what passes; takes bytes in chunks of any size, from the first one of an iteration on. */
export class PageStreamParser {
  readonly #pageBytes: number;
  readonly #header = new Uint8Array(WIDE_BYTES);
  readonly #view = new DataView(this.#header.buffer);
  /** Bytes of the header that are there. */
  #filled = 0;
  #payloadLeft = 0;
  #headerBytes: typeof NARROW_BYTES | typeof WIDE_BYTES | undefined;
  #pages = 0;
  #parentPages = 0;
  #zeroOrHolePages = 0;
  #bytes = 0;
  #ended = false;
  /** Zero bytes that may follow the end: what a wide header is longer than a narrow one. */
  #slack = 0;

  /** @param pageBytes The source's page size. */
  constructor(pageBytes: number = DEFAULT_PAGE_BYTES) {
    this.#pageBytes = pageBytes;
  }

  /** Pages whose contents passed, shared memory included; of one cut short, all that it announced. */
  get pages(): number {
    return this.#pages;
  }

  /** Pages that an earlier iteration holds. */
  get parentPages(): number {
    return this.#parentPages;
  }

  /** Pages said to be neither present nor in a parent. */
  get zeroOrHolePages(): number {
    return this.#zeroOrHolePages;
  }

  /** Bytes that passed, headers included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** True once CRIU has closed the iteration. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Length of a header: 24 up to CRIU 4.1.1, 32 from 4.2 on; undefined while it cannot be known. */
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
      const rest = chunk.subarray(at);
      if (this.#ended) at += this.#takeSlack(rest);
      else if (this.#payloadLeft > 0) at += this.#skipPayload(rest);
      else at += this.#takeHeader(rest);
    }
  }

  #skipPayload(rest: Uint8Array): number {
    const skipped = Math.min(this.#payloadLeft, rest.length);
    this.#payloadLeft -= skipped;
    return skipped;
  }

  #takeSlack(rest: Uint8Array): number {
    if (rest.length > this.#slack || rest.some((byte) => byte !== 0)) {
      throw malformed("it goes on after its end");
    }
    this.#slack -= rest.length;
    return rest.length;
  }

  /** Takes as much of a header as there is, and acts on it once it is whole. */
  #takeHeader(rest: Uint8Array): number {
    const wanted = (this.#headerBytes ?? NARROW_BYTES) - this.#filled;
    const part = rest.subarray(0, wanted);
    this.#header.set(part, this.#filled);
    this.#filled += part.length;
    if (part.length < wanted) return part.length;
    if (this.#headerBytes === undefined) this.#takeFirst();
    if (!this.#ended && this.#filled === this.#headerBytes) {
      this.#filled = 0;
      this.#act(this.#pageCount());
    }
    return part.length;
  }

  /** Learns from the first 24 bytes how long headers are. */
  #takeFirst(): void {
    const { command } = this.#word();
    switch (command) {
      case Command.CLOSE:
      case Command.FORCE_CLOSE:
        // Nothing but zeros follows in either form. Its answer is waited for: so must not wait for more.
        this.#ended = true;
        this.#slack = WIDE_BYTES - NARROW_BYTES;
        return;
      case Command.OPEN:
      case Command.OPEN2:
      case Command.PARENT:
        // These have no pages and no address, so only the narrow form has anything, its id, there.
        this.#headerBytes = this.#view.getBigUint64(16, true) === 0n ? WIDE_BYTES : NARROW_BYTES;
        return;
      default:
        throw malformed(`it begins with command ${command}`);
    }
  }

  #word(): { readonly command: number; readonly flags: number } {
    const word = this.#view.getUint32(0, true);
    return { command: word & 0xffff, flags: word >>> 16 };
  }

  #pageCount(): number {
    const count = this.#headerBytes === NARROW_BYTES
      ? this.#view.getUint32(4, true)
      : Number(this.#view.getBigUint64(8, true));
    if (count > MAX_PAGES) throw malformed(`${count} pages in one message`);
    return count;
  }

  #act(count: number): void {
    const { command, flags } = this.#word();
    switch (command) {
      case Command.ADD:
        return this.#add(count, Flag.PRESENT);
      case Command.HOLE:
        return this.#add(count, Flag.PARENT);
      case Command.ADD_F:
        return this.#add(count, flags);
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

  #add(count: number, flags: number): void {
    if ((flags & ~ALL_FLAGS) !== 0) throw malformed(`unknown flags ${flags}`);
    if (flags & Flag.PRESENT) {
      this.#pages += count;
      this.#payloadLeft = count * this.#pageBytes;
    } else if (flags & Flag.PARENT) {
      this.#parentPages += count;
    } else {
      this.#zeroOrHolePages += count;
    }
  }
}

function malformed(what: string): PhaulError {
  return new PhaulError("page-stream", `Cannot understand CRIU's page stream: ${what}`);
}
