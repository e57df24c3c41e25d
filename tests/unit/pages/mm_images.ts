/** CRIU's mm images, written by its own schema and not by phaul's. */

import protobuf from "protobufjs";

/** images/mm.proto and images/vma.proto of CRIU 4.2, as far as it matters here. */
const SCHEMA = `
  syntax = "proto2";
  message vma_entry {
    required uint64 start = 1;
    required uint64 end = 2;
    required uint64 pgoff = 3;
    required uint64 shmid = 4;
    required uint32 prot = 5;
    required uint32 flags = 6;
    required uint32 status = 7;
    required sint64 fd = 8;
  }
  message mm_entry {
    required uint64 mm_start_code = 1;
    required uint64 mm_brk = 8;
    repeated vma_entry vmas = 14;
  }`;

/** A mapping, of private anonymous memory unless it says otherwise. */
export interface Vma {
  readonly start: number;
  readonly end: number;
  readonly flags?: number;
  readonly status?: number;
}

/** MAP_PRIVATE and MAP_ANONYMOUS. */
export const PRIVATE = 0x22;

const MM = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType("mm_entry");

/** Makes an image, with fields that are of no concern as well. */
export function mmImage(vmas: readonly Vma[]): Uint8Array<ArrayBuffer> {
  const body = MM.encode(MM.fromObject({
    mm_start_code: 0x400000,
    mm_brk: 1,
    vmas: vmas.map(({ start, end, flags = PRIVATE, status = 0x201 }) => {
      return { start, end, flags, status, pgoff: 0, shmid: 0, prot: 3, fd: -1 };
    }),
  })).finish();
  const image = new Uint8Array(12 + body.length);
  const view = new DataView(image.buffer);
  view.setUint32(0, 0x54564319, true);
  view.setUint32(4, 0x57492820, true);
  view.setUint32(8, body.length, true);
  image.set(body, 12);
  return image;
}
