import { assertEquals, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { readLazyIndex } from "../../../src/pages/lazy_index.ts";
import { PageCache, writeFlatImages } from "../../../src/pages/mod.ts";
import { Random } from "../../fuzz/mutator.ts";
import { Flag } from "../criu/page_messages.ts";
import {
  type ImageId,
  iterationStream,
  type Memory,
  memoryInImages,
  nameOf,
  PAGE_BYTES,
  randomRuns,
  type SentImage,
  takeIn,
} from "./iterations.ts";
import { mmImage, PRIVATE, type Vma } from "./mm_images.ts";
import { readPagemap } from "./pagemaps.ts";
import { Temporary } from "./temporary.ts";

const TASK: ImageId = { kind: "task", id: 4711 };
const SHARED: ImageId = { kind: "shared", id: 12 };
const LOCKED = PRIVATE | 0x2000;

/** A mapping from page to page. */
function vma(from: number, to: number, flags = PRIVATE): Vma {
  return { start: from * PAGE_BYTES, end: to * PAGE_BYTES, flags };
}

/** Two iterations, the last of them with an mm image, made ready in `flat`. */
async function flattened(dir: Temporary, vmas: readonly Vma[], ...iterations: SentImage[][]) {
  const cache = new PageCache(PAGE_BYTES);
  for (const [index, images] of iterations.entries()) {
    const parentImg = index > 0 ? { parentImg: `../${index}` } : {};
    await takeIn(cache, dir.sub(`${index + 1}`), iterationStream(32, images), parentImg);
  }
  const last = cache.last;
  if (!last) throw new Error("Nothing was taken in");
  Deno.writeFileSync(`${last.dir}/mm-4711.img`, mmImage(vmas));
  for (const name of ["core-4711.img", "inventory.img", "stats-dump", "dump.log"]) {
    Deno.writeTextFileSync(`${last.dir}/${name}`, name);
  }
  const flat = dir.sub("flat");
  const tasks = writeFlatImages({
    taken: last,
    dir: flat,
    pageBytes: PAGE_BYTES,
    nextPagesId: () => cache.newPagesId(flat),
    pathOf: (id) => cache.pathOf(id),
  });
  return { cache, flat, tasks };
}

function entriesIn(dir: string, image: ImageId): [number, number, number][] {
  return readPagemap(Deno.readFileSync(`${dir}/${nameOf(image)}`)).entries
    .map(({ vaddr, pages, flags }) => [vaddr / PAGE_BYTES, pages, flags]);
}

Deno.test("writeFlatImages: entries end where mappings do, and are lazy where those can be", async () => {
  using dir = new Temporary();
  const vmas = [vma(8, 12), vma(12, 14, LOCKED), vma(14, 18), vma(19, 40)];
  const runs = [
    { page: 10, count: 9, mark: 100 },
    { page: 19, count: 2, mark: 200, lazy: false },
    { page: 21, count: 3, mark: 300 },
  ];
  const { flat, tasks } = await flattened(dir, vmas, [{ image: TASK, runs }]);
  const { LAZY, PRESENT } = Flag;
  assertEquals(entriesIn(flat, TASK), [
    [10, 2, LAZY],
    [12, 2, PRESENT],
    [14, 4, LAZY],
    [18, 1, PRESENT],
    [19, 2, PRESENT],
    [21, 3, LAZY],
  ]);
  const present = [[12, 102], [13, 103], [18, 108], [19, 200], [20, 201]];
  assertEquals([...memoryInImages(flat, TASK)], present);
  assertEquals(tasks, [{ pid: 4711, indexPath: `${flat}/lazy-4711.idx`, pages: 9 }]);
});

Deno.test("writeFlatImages: other images are the same files, this side's own are left out", async () => {
  using dir = new Temporary();
  const before = [{ image: TASK, runs: [{ page: 1, count: 1, mark: 1 }] }];
  const { flat } = await flattened(dir, [vma(0, 9)], before, before);
  const names = [...Deno.readDirSync(flat)].map(({ name }) => name).sort();
  assertEquals(names, [
    ...["core-4711.img", "inventory.img", "lazy-4711.idx", "mm-4711.img"],
    ...["pagemap-4711.img", "pages-3.img"],
  ]);
  const inode = (path: string) => Deno.statSync(path).ino;
  assertEquals(inode(`${flat}/core-4711.img`), inode(`${dir.path}/2/core-4711.img`));
});

Deno.test("writeFlatImages: shared memory of the last iteration alone is linked", async () => {
  using dir = new Temporary();
  const shared = { image: SHARED, runs: [{ page: 3, count: 2, mark: 40, lazy: false }] };
  const { flat, cache } = await flattened(dir, [], [{ image: TASK, runs: [] }, shared]);
  assertEquals([...memoryInImages(flat, SHARED)], [[3, 40], [4, 41]]);
  const { pagesId } = readPagemap(Deno.readFileSync(`${flat}/${nameOf(SHARED)}`));
  assertEquals(Deno.statSync(cache.pathOf(pagesId)).ino, Deno.statSync(`${flat}/pages-2.img`).ino);
});

Deno.test("writeFlatImages: shared memory of earlier iterations is put together", async () => {
  using dir = new Temporary();
  const { flat, tasks } = await flattened(
    dir,
    [],
    [{ image: SHARED, runs: [{ page: 3, count: 3, mark: 40 }] }],
    [{ image: SHARED, runs: [{ page: 3, count: 1, mark: 90 }, { page: 4, count: 2 }] }],
  );
  assertEquals([...memoryInImages(flat, SHARED)], [[3, 90], [4, 41], [5, 42]]);
  assertEquals(entriesIn(flat, SHARED).every(([, , flags]) => flags === Flag.PRESENT), true);
  assertEquals(tasks, []);
});

Deno.test("writeFlatImages: present and lazy pages together are all of memory, each right", async () => {
  for (let seed = 0; seed < 15; seed++) {
    using dir = new Temporary();
    const random = new Random(seed);
    const memory: Memory = new Map();
    let mark = 0;
    const iterations = [1, 2, 3].map(() => {
      return [{ image: TASK, runs: randomRuns(random, memory, () => mark += 1000) }];
    });
    const vmas: Vma[] = [];
    for (let page = random.below(9); page < 70;) {
      const end = page + 1 + random.below(20);
      vmas.push(vma(page, end, random.pick([PRIVATE, PRIVATE, LOCKED])));
      page = end + random.below(2) * random.below(4);
    }
    const { cache, flat, tasks } = await flattened(dir, vmas, ...iterations);
    const found = memoryInImages(flat, TASK);
    const lazyEntries = entriesIn(flat, TASK).filter(([, , flags]) => flags === Flag.LAZY);
    const [task] = tasks;
    const index = [...readLazyIndex(task?.indexPath ?? "")];
    for (const { page, count, file, at } of index) {
      const pages = new DataView(Deno.readFileSync(cache.pathOf(file)).buffer);
      for (let i = 0; i < count; i++) {
        assertEquals(found.has(page + i), false, "a page is present and lazy");
        found.set(page + i, pages.getUint32((at + i) * PAGE_BYTES, true));
      }
    }
    const sorted = [...found].sort(([one], [other]) => one - other);
    assertEquals(sorted, [...memory], `seed ${seed}`);
    assertEquals(task?.pages, lazyEntries.reduce((sum, [, count]) => sum + count, 0));
    // Each lies in one mapping that can be lazy.
    for (const [page, count] of lazyEntries) {
      const around = vmas.find(({ start, end }) =>
        start <= page * PAGE_BYTES && end >= (page + count) * PAGE_BYTES
      );
      assertEquals(around?.flags, PRIVATE, `seed ${seed}, page ${page}`);
    }
  }
});

Deno.test("writeFlatImages: a task without its mm image, or with a damaged one, is refused", async () => {
  using dir = new Temporary();
  const cache = new PageCache(PAGE_BYTES);
  await takeIn(cache, dir.sub("1"), iterationStream(24, [{ image: TASK, runs: [] }]));
  const last = cache.last;
  if (!last) throw new Error("Nothing was taken in");
  const flatten = (flat: string) =>
    writeFlatImages({
      taken: last,
      dir: flat,
      pageBytes: PAGE_BYTES,
      nextPagesId: () => cache.newPagesId(flat),
      pathOf: (id) => cache.pathOf(id),
    });
  assertThrows(() => flatten(dir.sub("a")), Deno.errors.NotFound);
  Deno.writeTextFileSync(`${dir.path}/1/mm-4711.img`, "nothing of the kind");
  assertEquals(assertThrows(() => flatten(dir.sub("b")), PhaulError).code, "protocol");
});
