/** CRIU's pagemap images, read by its own schema and not by phaul's. */

import protobuf from "protobufjs";
import { assertEquals } from "@std/assert";

/** images/pagemap.proto of CRIU 4.2, as far as it matters here. */
const SCHEMA = `
  syntax = "proto2";
  message pagemap_head { required uint32 pages_id = 1; }
  message pagemap_entry {
    required uint64 vaddr = 1;
    required uint32 compat_nr_pages = 2;
    optional bool in_parent = 3;
    optional uint32 flags = 4;
    optional uint64 nr_pages = 5;
  }`;

/** A run of pages of a pagemap. */
export interface Entry {
  readonly vaddr: number;
  readonly pages: number;
  readonly flags: number;
}

const { root } = protobuf.parse(SCHEMA, { keepCase: true });
const [HEAD, ENTRY] = [root.lookupType("pagemap_head"), root.lookupType("pagemap_entry")];

/** Reads a pagemap image; of one that phaul wrote, both counts of every entry must say the same. */
export function readPagemap(
  image: Uint8Array,
  writer: "phaul" | "criu" = "phaul",
): { pagesId: number; entries: Entry[] } {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  assertEquals([view.getUint32(0, true), view.getUint32(4, true)], [0x54564319, 0x56084025]);
  const records: Uint8Array[] = [];
  let at = 8;
  while (at < image.length) {
    const length = view.getUint32(at, true);
    records.push(image.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  assertEquals(at, image.length);
  const [head = new Uint8Array(), ...rest] = records;
  const plain = (type: protobuf.Type, bytes: Uint8Array) =>
    type.toObject(type.decode(bytes), { longs: Number });
  const entries = rest.map((bytes) => {
    const { vaddr, compat_nr_pages, flags, nr_pages } = plain(ENTRY, bytes);
    // CRIU before 4.2 writes the old field only, and CRIU since then zero in it.
    const pages = nr_pages ?? compat_nr_pages;
    if (writer === "phaul") assertEquals([compat_nr_pages, nr_pages], [pages, pages]);
    return { vaddr, pages, flags };
  });
  return { pagesId: plain(HEAD, head).pages_id, entries };
}
