/**
 * CRIU's pagemap images.
 *
 * Format (images/pagemap.proto, criu/pagemap.c, criu/include/magic.h): u32le 0x54564319, u32le
 * 0x56084025, then records of u32le length and protobuf message: first pagemap_head {1 pages_id}, then
 * one pagemap_entry {1 vaddr, 2 nr_pages as 32 bits, 4 flags, 5 nr_pages as 64 bits} for each run of
 * pages, ascending. CRIU up to 4.1.1 reads field 2 only, from 4.2 on field 5; all read both. Contents of
 * PRESENT entries follow one another in `pages-<pages_id>.img`.
 *
 * @module
 */

import protobuf from "protobufjs";

/** Bits of a pagemap entry's flags. */
export const PageFlag = { PARENT: 1, LAZY: 2, PRESENT: 4 } as const;

const MAGICS = [0x54564319, 0x56084025] as const;
const WIRE_VARINT = 0;
/** CRIU's lazy readers count bytes in an `int`: no entry may be longer than 64 MiB. */
const MAX_ENTRY_PAGES = 16384;

/** Writes one pagemap image into memory. */
export class PagemapWriter {
  readonly #pageBytes: number;
  readonly #chunks: Uint8Array[] = [];

  /** @param pagesId Names the file with the contents. */
  constructor(pagesId: number, pageBytes: number) {
    this.#pageBytes = pageBytes;
    const head = new protobuf.Writer();
    for (const magic of MAGICS) head.fixed32(magic);
    this.#chunks.push(head.finish());
    this.#record((writer) => field(writer, 1).uint32(pagesId));
  }

  /** Appends `count` pages from number `page` on. */
  add(page: number, count: number, flags: number): void {
    for (let done = 0; done < count; done += MAX_ENTRY_PAGES) {
      this.#entry(page + done, Math.min(count - done, MAX_ENTRY_PAGES), flags);
    }
  }

  /** The image. */
  finish(): Uint8Array {
    const whole = new Uint8Array(this.#chunks.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }

  #entry(page: number, count: number, flags: number): void {
    this.#record((writer) => {
      field(writer, 1).uint64(page * this.#pageBytes);
      field(writer, 2).uint32(count);
      field(writer, 4).uint32(flags);
      field(writer, 5).uint64(count);
    });
  }

  #record(write: (writer: protobuf.Writer) => void): void {
    const body = new protobuf.Writer();
    write(body);
    this.#chunks.push(new protobuf.Writer().fixed32(body.len).finish(), body.finish());
  }
}

/** A run of pages of a pagemap image. */
export interface PagemapRun {
  /** Number of the first page: its address divided by the page size. */
  readonly page: number;
  readonly count: number;
  /** Of {@linkcode PageFlag}. */
  readonly flags: number;
}

/**
 * Reads a pagemap image of this host's CRIU.
 *
 * @throws Error when it is none
 */
export function readPagemap(
  image: Uint8Array,
  pageBytes: number,
): { readonly pagesId: number; readonly runs: PagemapRun[] } {
  const reader = protobuf.Reader.create(image);
  for (const magic of MAGICS) {
    if (reader.fixed32() !== magic) throw new Error("a pagemap image begins otherwise");
  }
  const head = fieldsOf(reader);
  const runs: PagemapRun[] = [];
  while (reader.pos < reader.len) {
    const { 1: address = 0, 3: inParent = 0, 4: flags, ...counts } = fieldsOf(reader);
    // Before there were flags an entry was present, or in a parent.
    const meant = flags ?? (inParent ? PageFlag.PARENT : PageFlag.PRESENT);
    runs.push({ page: address / pageBytes, count: counts[5] ?? counts[2] ?? 0, flags: meant });
  }
  return { pagesId: head[1] ?? 0, runs };
}

/** The numbers of one record, by their fields. */
function fieldsOf(reader: protobuf.Reader): Partial<Record<number, number>> {
  const end = reader.fixed32() + reader.pos;
  const fields: Partial<Record<number, number>> = {};
  while (reader.pos < end) {
    const tag = reader.uint32();
    if ((tag & 7) === WIRE_VARINT) fields[tag >>> 3] = Number(reader.uint64());
    else reader.skipType(tag & 7);
  }
  return fields;
}

function field(writer: protobuf.Writer, number: number): protobuf.Writer {
  return writer.uint32(number << 3 | WIRE_VARINT);
}
