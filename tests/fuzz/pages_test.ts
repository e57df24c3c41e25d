/** What a peer's CRIU sends to the page cache, and leaves in images that phaul reads. */

import { assert, assertEquals } from "@std/assert";
import { PageCache, writeFlatImages } from "../../src/pages/mod.ts";
import { parseMmImage } from "../../src/pages/mm_image.ts";
import { Command, Flag, message, stream } from "../unit/criu/page_messages.ts";
import { Temporary } from "../unit/pages/temporary.ts";
import { testTargets } from "./fuzz.ts";

/** The corpus holds pages of so many bytes: whole ones would say nothing more. */
const PAGE_BYTES = 16;

/** Takes the same stream in twice, the second time on top of the first. */
async function checkPageCache(input: Uint8Array): Promise<void> {
  using dir = new Temporary();
  const cache = new PageCache(PAGE_BYTES);
  for (const [name, chunkBytes] of [["1", input.length + 1], ["2", 7]] as const) {
    const imagesDir = dir.sub(name);
    await cache.begin({ imagesDir, ...name === "1" ? {} : { parentImg: "../1" } });
    try {
      for (let at = 0; at < input.length; at += chunkBytes) {
        await cache.channel.conn.write(input.subarray(at, at + chunkBytes));
      }
      await cache.end();
    } finally {
      await cache.abort();
    }
    checkTaken(cache, imagesDir);
  }
}

/** Each page is where the cache says, and the images are those that it says. */
function checkTaken(cache: PageCache, imagesDir: string): void {
  const { last } = cache;
  if (!last) throw new Error("Nothing was taken in");
  for (const [name, { pieces }] of last.images) {
    assert(Deno.statSync(`${imagesDir}/${name}`).size > 8);
    let next = 0;
    for (const { page, count, file, at } of pieces) {
      assert(page >= next && count > 0);
      next = page + count;
      const { size } = Deno.statSync(cache.pathOf(file));
      assert((at + count) * PAGE_BYTES <= size, "a piece lies beyond its file");
    }
  }
}

/** Flattens pages around the mappings of an image, whatever those are. */
async function checkMmImage(input: Uint8Array): Promise<void> {
  const areas = parseMmImage(input);
  let last = 0;
  for (const { start, end } of areas) {
    assert(start >= last && end >= start && start % 4096 === 0 && end % 4096 === 0);
    last = end;
  }
  using dir = new Temporary();
  const cache = new PageCache(4096);
  await cache.begin({ imagesDir: dir.sub("1") });
  await cache.channel.conn.write(onePageAt(0x400000));
  await cache.end();
  const { last: taken } = cache;
  if (!taken) throw new Error("Nothing was taken in");
  Deno.writeFileSync(`${dir.path}/1/mm-1.img`, input);
  const flat = dir.sub("flat");
  const tasks = writeFlatImages({
    taken,
    dir: flat,
    pageBytes: 4096,
    nextPagesId: () => cache.newPagesId(flat),
    pathOf: (id) => cache.pathOf(id),
  });
  const lazy = areas.some(({ start, end, lazy }) => lazy && start <= 0x400000 && 0x400000 < end);
  assertEquals(tasks.map(({ pages }) => pages), [lazy ? 1 : 0]);
}

/** The stream of a task with one lazy page. */
function onePageAt(address: number): Uint8Array {
  return stream(
    message(24, Command.OPEN2, { id: 0x101n }),
    message(24, Command.ADD_F, {
      pages: 1,
      flags: Flag.PRESENT | Flag.LAZY,
      address: BigInt(address),
    }),
    message(24, Command.FORCE_CLOSE, {}),
  );
}

testTargets([
  { name: "page-cache", allowed: ["page-stream"], check: checkPageCache, rounds: 600 },
  { name: "mm-image", allowed: ["protocol"], check: checkMmImage, rounds: 600 },
]);
