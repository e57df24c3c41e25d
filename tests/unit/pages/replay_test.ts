import { assertEquals, assertRejects } from "@std/assert";
import { type PageImage, type PageRun, PageStreamParser } from "../../../src/criu/mod.ts";
import { ReplayedPages } from "../../../src/pages/mod.ts";
import { PageFlag, PagemapWriter } from "../../../src/pages/pagemap.ts";

const PAGE = 4096;

/** Images such as a CRIU without a page channel leaves, and the contents of their pages. */
async function makeImages(dir: string): Promise<Uint8Array> {
  const contents = crypto.getRandomValues(new Uint8Array(3 * PAGE));
  const task = new PagemapWriter(1, PAGE);
  task.add(16, 2, PageFlag.PRESENT | PageFlag.LAZY);
  task.add(20, 5, 0);
  const shared = new PagemapWriter(2, PAGE);
  shared.add(0, 1, PageFlag.PRESENT);
  await Deno.writeFile(`${dir}/pagemap-77.img`, task.finish());
  await Deno.writeFile(`${dir}/pages-1.img`, contents.subarray(0, 2 * PAGE));
  await Deno.writeFile(`${dir}/pagemap-shmem-5.img`, shared.finish());
  await Deno.writeFile(`${dir}/pages-2.img`, contents.subarray(2 * PAGE));
  await Deno.writeFile(`${dir}/core-77.img`, contents);
  return contents;
}

/** What is read, until the stream is complete. */
async function replayed(pages: ReplayedPages) {
  const images = new Map<string, { runs: PageRun[]; contents: number[] }>();
  let current: { runs: PageRun[]; contents: number[] } = { runs: [], contents: [] };
  const parser = new PageStreamParser(PAGE, {
    opened({ kind, id }: PageImage) {
      images.set(`${kind} ${id}`, current = { runs: [], contents: [] });
    },
    asked() {},
    run: (run) => void current.runs.push(run),
    contents: (bytes) => void current.contents.push(...bytes),
    closed() {},
  });
  const buffer = new Uint8Array(1000);
  while (!parser.ended) {
    const count = await pages.conn.read(buffer);
    parser.feed(buffer.subarray(0, count ?? 0));
  }
  return images;
}

Deno.test("ReplayedPages: what lies in images comes as CRIU would have sent it", async () => {
  const dir = await Deno.makeTempDir();
  const contents = await makeImages(dir);
  const pages = new ReplayedPages(PAGE);
  pages.play(dir);
  const images = await replayed(pages);
  const run = { present: true, parent: false, lazy: false };
  assertEquals([...images.keys()].sort(), ["shared 5", "task 77"]);
  assertEquals(images.get("task 77"), {
    runs: [
      { ...run, page: 16, count: 2, lazy: true },
      { ...run, page: 20, count: 5, present: false },
    ],
    contents: [...contents.subarray(0, 2 * PAGE)],
  });
  assertEquals(images.get("shared 5"), {
    runs: [{ ...run, page: 0, count: 1 }],
    contents: [...contents.subarray(2 * PAGE)],
  });
  const next = pages.conn.read(new Uint8Array(1));
  pages.shutdown();
  assertEquals(await next, null);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("ReplayedPages: a pages file that ends too early is no end of the stream", async () => {
  const dir = await Deno.makeTempDir();
  await makeImages(dir);
  for (const id of [1, 2]) await Deno.truncate(`${dir}/pages-${id}.img`, 100);
  const pages = new ReplayedPages(PAGE);
  pages.play(dir);
  await assertRejects(() => replayed(pages), Deno.errors.UnexpectedEof);
  await Deno.remove(dir, { recursive: true });
});
