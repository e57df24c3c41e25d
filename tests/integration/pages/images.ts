/** What images say of the memory of a tree, read as CRIU's documents say and not by phaul's own code. */

import { assert, assertEquals } from "@std/assert";
import { PageCache, writeFlatImages } from "../../../src/pages/mod.ts";
import { readLazyIndex } from "../../../src/pages/lazy_index.ts";
import { copyImages } from "../criu/fixture.ts";
import { readPagemap } from "../../unit/pages/pagemaps.ts";

const PAGE_BYTES = 4096;
/** Bits of a pagemap entry's flags, from CRIU's criu/include/pagemap.h. */
const [PARENT, PRESENT] = [1, 4];

/** One iteration, as CRIU sent it and as its page server left it. */
export interface Iteration {
  readonly stream: Uint8Array;
  /** The page server's images; of the last iteration, all other images too. */
  readonly served: string;
}

/**
 * Has a page cache take the same iterations in, and fails unless it has every page that the page server
 * has, with the same flags and contents; and unless a lazy restore finds them all.
 *
 * @param root An empty directory.
 * @returns how many memories there were
 */
export async function compareIterations(
  iterations: readonly Iteration[],
  root: string,
): Promise<number> {
  const cache = new PageCache(PAGE_BYTES);
  const dirs: string[] = [];
  for (const { stream } of iterations) {
    const imagesDir = `${root}/${dirs.length + 1}`;
    Deno.mkdirSync(imagesDir);
    await cache.begin({ imagesDir, parentImg: dirs.length ? `../${dirs.length}` : undefined });
    await cache.channel.conn.write(stream);
    await cache.end();
    dirs.push(imagesDir);
  }
  const theirs = readImages(iterations.map(({ served }) => served));
  assertSamePages(readImages(dirs), theirs);
  const [last = "", served = ""] = [dirs.at(-1), iterations.at(-1)?.served];
  copyImages(served, last, /^(?!pagemap-|pages-)/);
  const flat = `${root}/flat`;
  Deno.mkdirSync(flat);
  assertFlatImages(flat, cache, theirs);
  return theirs.size;
}

/** One page as an image has it. */
interface ImagePage {
  /** The flags of the entry that it is in. */
  readonly flags: number;
  /** Its contents, wherever in the chain of images they lie; none for a page that only its flags tell of. */
  readonly contents?: Uint8Array;
}

/** The pages of each memory, by the name of its pagemap and then by address. */
type ImagePages = ReadonlyMap<string, ReadonlyMap<number, ImagePage>>;

/** What a chain of image directories has, the first iteration first: as CRIU's documents say it is read. */
function readImages(dirs: readonly string[]): ImagePages {
  let before: ImagePages = new Map();
  for (const dir of dirs) before = readIteration(dir, before);
  return before;
}

function readIteration(dir: string, before: ImagePages): ImagePages {
  const images = new Map<string, Map<number, ImagePage>>();
  for (const { name } of Deno.readDirSync(dir)) {
    if (!name.startsWith("pagemap-")) continue;
    const { pagesId, entries } = readPagemap(Deno.readFileSync(`${dir}/${name}`), "criu");
    const contents = Deno.readFileSync(`${dir}/pages-${pagesId}.img`);
    const pages = new Map<number, ImagePage>();
    let at = 0;
    for (const { vaddr, pages: count, flags } of entries) {
      for (let page = 0; page < count; page++) {
        const address = vaddr + page * PAGE_BYTES;
        assert(!pages.has(address), `${dir}/${name} has ${address.toString(16)} twice`);
        if (flags & PRESENT) {
          pages.set(address, { flags, contents: contents.subarray(at, at += PAGE_BYTES) });
        } else {
          const inherited = flags & PARENT ? before.get(name)?.get(address)?.contents : undefined;
          pages.set(address, { flags, contents: inherited });
        }
      }
    }
    assertEquals(at, contents.length, `${dir}/${name}: its pages file has another size`);
    images.set(name, pages);
  }
  return images;
}

/** Fails unless both have the same pages, with the same flags and contents. */
function assertSamePages(ours: ImagePages, theirs: ImagePages): void {
  assertEquals([...ours.keys()].sort(), [...theirs.keys()].sort());
  for (const [name, pages] of theirs) {
    const own = ours.get(name);
    assertEquals([...own?.keys() ?? []], [...pages.keys()], `${name}: other pages`);
    for (const [address, { flags, contents }] of pages) {
      const where = `${name}, ${address.toString(16)}`;
      assertEquals(own?.get(address)?.flags, flags, where);
      assertSameContents(own?.get(address)?.contents, contents, where);
    }
  }
}

/**
 * Fails unless a lazy restore from `cache` finds every page that `theirs` has contents of: in the images
 * themselves, or where the index says.
 *
 * @param flat A new directory on the cache's file system.
 */
function assertFlatImages(flat: string, cache: PageCache, theirs: ImagePages): void {
  const taken = cache.last;
  if (!taken) throw new Error("nothing was taken in");
  const pathOf = (id: number) => cache.pathOf(id);
  const nextPagesId = () => cache.newPagesId(flat);
  const tasks = writeFlatImages({ taken, dir: flat, pageBytes: PAGE_BYTES, nextPagesId, pathOf });
  const files = new Map<number, Uint8Array>();
  for (const { id, path } of cache.pagesFiles) files.set(id, Deno.readFileSync(path));
  const images = readImages([flat]);
  assertEquals([...images.keys()].sort(), [...theirs.keys()].sort());
  let lazy = 0;
  for (const [name, pages] of theirs) {
    const task = tasks.find(({ pid }) => name === `pagemap-${pid}.img`);
    const index = task && readLazyIndex(task.indexPath);
    for (const [address, { contents }] of pages) {
      const where = `${name}, ${address.toString(16)}`;
      if (contents === undefined) continue;
      const present = images.get(name)?.get(address)?.contents;
      const [piece] = index?.within(address / PAGE_BYTES, 1) ?? [];
      assert((present === undefined) !== (piece === undefined), `${where}: not exactly once`);
      const at = (piece?.at ?? 0) * PAGE_BYTES;
      const later = piece && files.get(piece.file)?.subarray(at, at + PAGE_BYTES);
      if (later) lazy++;
      assertSameContents(present ?? later, contents, where);
    }
  }
  assert(lazy > 100, `only ${lazy} pages are filled in later`);
}

function assertSameContents(
  ours: Uint8Array | undefined,
  theirs: Uint8Array | undefined,
  where: string,
): void {
  const same = ours === theirs ||
    ours !== undefined && theirs !== undefined && ours.length === theirs.length &&
      ours.every((byte, index) => byte === theirs[index]);
  assert(same, `${where}: other contents`);
}
