/** Iterations as a CRIU sends them, made up at random, and what memory must hold afterwards. */

import type { PageCache } from "../../../src/pages/mod.ts";
import type { Random } from "../../fuzz/mutator.ts";
import { Command, Flag, type Form, message, stream } from "../criu/page_messages.ts";
import { readPagemap } from "./pagemaps.ts";

export const PAGE_BYTES = 4096;

/** Page by page: what its contents are marked with. */
export type Memory = Map<number, number>;

/** An image of a stream: of a task or of shared memory. */
export interface ImageId {
  readonly kind: "task" | "shared";
  readonly id: number;
}

/** A run of pages, marked if they are sent. */
export interface Run {
  readonly page: number;
  readonly count: number;
  readonly mark?: number;
  readonly lazy?: boolean;
}

/** One image of one iteration. */
export interface SentImage {
  readonly image: ImageId;
  readonly runs: readonly Run[];
}

/** dst_id. */
export function wireId({ kind, id }: ImageId): bigint {
  return BigInt(id) << 8n | (kind === "task" ? 1n : 2n);
}

/** The name of its pagemap. */
export function nameOf({ kind, id }: ImageId): string {
  return kind === "task" ? `pagemap-${id}.img` : `pagemap-shmem-${id}.img`;
}

/** The message of a run; every page of it begins with its own mark. */
export function runMessage(form: Form, { page, count, mark, lazy = true }: Run): Uint8Array {
  const flags = (mark === undefined ? Flag.PARENT : Flag.PRESENT) | (lazy ? Flag.LAZY : 0);
  const address = BigInt(page) * BigInt(PAGE_BYTES);
  const bytes = message(form, Command.ADD_F, { pages: count, flags, address });
  const view = new DataView(bytes.buffer);
  if (mark !== undefined) {
    for (let i = 0; i < count; i++) view.setUint32(form + i * PAGE_BYTES, mark + i, true);
  }
  return bytes;
}

/** A whole iteration. */
export function iterationStream(form: Form, images: readonly SentImage[]): Uint8Array {
  return stream(
    ...images.flatMap(({ image, runs }) => [
      message(form, Command.OPEN2, { id: wireId(image) }),
      ...runs.map((run) => runMessage(form, run)),
    ]),
    message(form, Command.FORCE_CLOSE, {}),
  );
}

/** Random runs of one image; what an earlier iteration has may stay there. Puts into `memory` what is now. */
export function randomRuns(random: Random, memory: Memory, nextMark: () => number): Run[] {
  const before = new Map(memory);
  memory.clear();
  const runs: Run[] = [];
  for (let page = random.below(4); page < 60;) {
    const count = 1 + random.below(8);
    const lazy = random.below(3) > 0;
    const pages = Array.from({ length: count }, (_, index) => page + index);
    const known = pages.every((one) => before.has(one));
    if (known && random.below(3) > 0) {
      runs.push({ page, count, lazy });
      for (const one of pages) memory.set(one, before.get(one) ?? 0);
    } else {
      const mark = nextMark();
      runs.push({ page, count, lazy, mark });
      pages.forEach((one, index) => memory.set(one, mark + index));
    }
    page += count + (random.below(2) === 0 ? 0 : random.below(6));
  }
  return runs;
}

/** What the cache says of an image's pages, with the marks read from where it says. */
export function memoryIn(cache: PageCache, image: ImageId): Memory {
  const memory: Memory = new Map();
  for (const piece of cache.last?.images.get(nameOf(image))?.pieces ?? []) {
    const pages = Deno.readFileSync(cache.pathOf(piece.file));
    for (let i = 0; i < piece.count; i++) memory.set(piece.page + i, markAt(pages, piece.at + i));
  }
  return memory;
}

/** What CRIU makes of the images in `dir`: as criu/pagemap.c reads them, parents and all. */
export function memoryInImages(dir: string, image: ImageId): Memory {
  const { pagesId, entries } = readPagemap(Deno.readFileSync(`${dir}/${nameOf(image)}`));
  const pages = Deno.readFileSync(`${dir}/pages-${pagesId}.img`);
  const memory: Memory = new Map();
  let parent: Memory | undefined;
  let at = 0;
  for (const { vaddr, pages: count, flags } of entries) {
    const page = vaddr / PAGE_BYTES;
    for (let i = 0; i < count; i++) {
      if (flags & Flag.PRESENT) memory.set(page + i, markAt(pages, at++));
      else if (flags & Flag.PARENT) {
        parent ??= memoryInImages(`${dir}/parent`, image);
        memory.set(page + i, parent.get(page + i) ?? -1);
      }
    }
  }
  if (at * PAGE_BYTES !== pages.length) {
    throw new Error(`pages-${pagesId}.img is of another length`);
  }
  return memory;
}

function markAt(pages: Uint8Array, page: number): number {
  return new DataView(pages.buffer, pages.byteOffset).getUint32(page * PAGE_BYTES, true);
}

/** Takes one iteration in, in chunks of `chunkBytes`, and ends it. */
export async function takeIn(
  cache: PageCache,
  imagesDir: string,
  bytes: Uint8Array,
  options: { readonly parentImg?: string; readonly chunkBytes?: number } = {},
): Promise<void> {
  const { parentImg, chunkBytes = 65_536 } = options;
  await cache.begin({ imagesDir, ...parentImg === undefined ? {} : { parentImg } });
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    await cache.channel.conn.write(bytes.slice(at, at + chunkBytes));
  }
  await cache.end();
}

/** Everything that was answered so far. */
export async function answersOf(cache: PageCache, count: number): Promise<number[][]> {
  const answers: number[][] = [];
  const buffer = new Uint8Array(64);
  while (answers.length < count) {
    const length = await cache.channel.conn.read(buffer);
    if (length === null) break;
    answers.push([...buffer.subarray(0, length)]);
  }
  return answers;
}
