/** A small archive: two iterations of one task, and an image. */

import { ArchiveReader, ArchiveWriter, Entry } from "../../../src/archive/mod.ts";
import { Pieces } from "../../../src/pages/mod.ts";
import { type CheckRequest, loadZstd, type PrepareRequest } from "../../../src/wire/mod.ts";
import { begin, requests } from "../wire/samples.ts";

/** Whole ones would say nothing more. */
export const PAGE_BYTES = 16;
/** The id that the sample has. */
export const ID: string = begin.migrationId;
/** What the host that restores is asked. */
export const CHECK: CheckRequest = find();

function find(): CheckRequest {
  const check = requests.find((request) => request.type === "check");
  if (!check) throw new Error("There is no such sample");
  return check;
}

/** The task's pagemap. */
export const PAGEMAP = "pagemap-4711.img";
/** An image that is none of pages. */
export const IMAGE = new TextEncoder().encode("what CRIU wrote");

/** The tree as it was frozen. */
export const PREPARE: PrepareRequest = {
  type: "prepare",
  processes: [{ pid: 4711, stopped: false, zombie: false }],
  connections: [],
  imageCount: 1,
  imageBytes: IMAGE.length,
};

/** A page all of that digit. */
function page(digit: number): number[] {
  return new Array(PAGE_BYTES).fill(digit);
}

/** The contents of the pages entries, by their numbers; the page 2 of the first was written again. */
export const PAGES: Readonly<Record<number, Uint8Array>> = {
  1: Uint8Array.from([1, 2, 3].flatMap(page)),
  2: Uint8Array.from([4, 5].flatMap(page)),
};

/** Where the newest version of each page is: 1, 4, 3 and 5 are what must come out. */
export function memory(): Map<string, Pieces> {
  const pieces = new Pieces();
  pieces.push({ page: 10, count: 1, file: 1, at: 0, lazy: true });
  pieces.push({ page: 11, count: 1, file: 2, at: 0, lazy: true });
  pieces.push({ page: 12, count: 1, file: 1, at: 2, lazy: true });
  pieces.push({ page: 20, count: 1, file: 2, at: 1, lazy: false });
  return new Map([[PAGEMAP, pieces]]);
}

/** Writes the sample up to its end, under its other name; the caller disposes of the writer. */
export async function writeSample(path: string): Promise<ArchiveWriter> {
  const writer = await ArchiveWriter.create(path, PAGE_BYTES);
  await writer.begin(begin, CHECK);
  for (const [id, bytes] of Object.entries(PAGES)) {
    await writer.add(Entry.pages(Number(id)), bytes.length, once(bytes));
    await writer.sync();
  }
  await writer.add(Entry.image("core-4711.img"), IMAGE.length, once(IMAGE));
  await writer.finish(PREPARE, memory());
  return writer;
}

/** Reads bytes that may be an archive, in parts of that size. */
export async function read(bytes: Uint8Array, partBytes = bytes.length + 1) {
  const reader = new ArchiveReader(await loadZstd(), PAGE_BYTES);
  for (let at = 0; at < bytes.length; at += partBytes) {
    reader.push(bytes.subarray(at, at + partBytes));
  }
  return reader.finish();
}

/** Bytes that come in one part. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}
