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

/** Commands after which CRIU waits for an answer. */
const ANSWERED: ReadonlySet<number> = new Set([Command.OPEN2, Command.PARENT]);

/** By the lowest 8 bits of an image's id. */
const IMAGE_KINDS: Readonly<Record<number, PageImage["kind"]>> = { 1: "task", 2: "shared" };
/** Numbers of shared memory are those of inodes. */
const MAX_IMAGE_ID = Number.MAX_SAFE_INTEGER;

/** The high 16 bits of an ADD_F's cmd. */
const Flag = { PARENT: 1, LAZY: 2, PRESENT: 4 } as const;
const ALL_FLAGS = Flag.PARENT | Flag.LAZY | Flag.PRESENT;

/** Names one image: of the private memory of a task, or of memory that tasks share. */
export interface PageImage {
  readonly kind: "task" | "shared";
  /** The pid in the innermost namespace, or CRIU's number of the shared memory. */
  readonly id: number;
}

/** A run of pages that a message tells of; their contents follow when they are present. */
export interface PageRun {
  /** Number of the first page: its address divided by the page size. */
  readonly page: number;
  readonly count: number;
  readonly present: boolean;
  /** An earlier iteration holds them. */
  readonly parent: boolean;
  /** They may be filled in after the restore. */
  readonly lazy: boolean;
}

/** Who acts on what passes. What is thrown comes out of {@linkcode PageStreamParser.feed}. */
export interface PageStreamListener {
  /** Runs are of that image from here on; `answered` when the sender waits for one byte, has_parent. */
  opened(image: PageImage, answered: boolean): void;
  /** The sender asks, in an int32, whether the iteration before has that image. */
  asked(image: PageImage): void;
  run(run: PageRun): void;
  /** The next part of the contents; not to be kept. */
  contents(bytes: Uint8Array): void;
  /** All came; the sender waits for an int32, 0. */
  closed(): void;
}

const UNHEARD: PageStreamListener = {
  opened() {},
  asked() {},
  run() {},
  contents() {},
  closed() {},
};

/** Counts what passes; takes bytes in chunks of any size, from the first one of an iteration on. */
export class PageStreamParser {
  readonly #pageBytes: number;
  readonly #listener: PageStreamListener;
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
  #answerDue = false;
  /** Zero bytes that may follow the end: what a wide header is longer than a narrow one. */
  #slack = 0;

  /** @param pageBytes The source's page size. */
  constructor(
    pageBytes: number = DEFAULT_PAGE_BYTES,
    listener: PageStreamListener = UNHEARD,
  ) {
    this.#pageBytes = pageBytes;
    this.#listener = listener;
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

  /** CRIU sends nothing more before it has an answer. */
  get answerDue(): boolean {
    return this.#ended || (this.#answerDue && this.#filled === 0);
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
    this.#listener.contents(rest.subarray(0, skipped));
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
        this.#slack = WIDE_BYTES - NARROW_BYTES;
        this.#end();
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
    this.#answerDue = ANSWERED.has(command);
    switch (command) {
      case Command.ADD:
        return this.#add(count, Flag.PRESENT);
      case Command.HOLE:
        return this.#add(count, Flag.PARENT);
      case Command.ADD_F:
        return this.#add(count, flags);
      case Command.OPEN:
      case Command.OPEN2:
        return this.#listener.opened(this.#image(), command === Command.OPEN2);
      case Command.PARENT:
        return this.#listener.asked(this.#image());
      case Command.CLOSE:
      case Command.FORCE_CLOSE:
        return this.#end();
      default:
        throw malformed(`unknown command ${command}`);
    }
  }

  #end(): void {
    this.#ended = true;
    this.#listener.closed();
  }

  /** dst_id: the id in the upper 56 bits, the kind in the lowest 8 (criu/page-xfer.c, encode_pm). */
  #image(): PageImage {
    const word = this.#view.getBigUint64(this.#headerBytes === NARROW_BYTES ? 16 : 24, true);
    const kind = IMAGE_KINDS[Number(word & 0xffn)];
    const id = Number(word >> 8n);
    if (kind === undefined || id > MAX_IMAGE_ID) throw malformed(`unknown image ${word}`);
    return { kind, id };
  }

  #firstPage(): number {
    const at = this.#headerBytes === NARROW_BYTES ? 8 : 16;
    const address = this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
    if (address % this.#pageBytes !== 0 || address > Number.MAX_SAFE_INTEGER) {
      throw malformed(`pages at address ${address}`);
    }
    return address / this.#pageBytes;
  }

  #add(count: number, flags: number): void {
    if ((flags & ~ALL_FLAGS) !== 0) throw malformed(`unknown flags ${flags}`);
    this.#listener.run({
      page: this.#firstPage(),
      count,
      present: (flags & Flag.PRESENT) !== 0,
      parent: (flags & Flag.PARENT) !== 0,
      lazy: (flags & Flag.LAZY) !== 0,
    });
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
