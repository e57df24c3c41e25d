import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { PageCache } from "../../../src/pages/mod.ts";
import { Random } from "../../fuzz/mutator.ts";
import { Command, Flag, type Form, message, stream } from "../criu/page_messages.ts";
import {
  answersOf,
  type ImageId,
  iterationStream,
  type Memory,
  memoryIn,
  memoryInImages,
  nameOf,
  PAGE_BYTES,
  randomRuns,
  runMessage,
  type SentImage,
  takeIn,
  wireId,
} from "./iterations.ts";
import { readPagemap } from "./pagemaps.ts";
import { Temporary } from "./temporary.ts";

const FORMS: readonly Form[] = [24, 32];
const TASK: ImageId = { kind: "task", id: 4711 };
const SHARED: ImageId = { kind: "shared", id: 12 };

/** A cache that has taken one iteration in. */
async function having(dir: Temporary, ...images: SentImage[]): Promise<PageCache> {
  const cache = new PageCache(PAGE_BYTES);
  await takeIn(cache, dir.sub("1"), iterationStream(24, images));
  return cache;
}

/** Why the second iteration after `first` is refused. */
async function refusal(first: SentImage, ...messages: Uint8Array[]): Promise<string> {
  using dir = new Temporary();
  const cache = await having(dir, first);
  await cache.begin({ imagesDir: dir.sub("2"), parentImg: "../1" });
  try {
    const error = assertThrows(() => cache.channel.conn.write(stream(...messages)), PhaulError);
    assertEquals(error.code, "page-stream");
    return error.message;
  } finally {
    await cache.abort();
  }
}

for (const form of FORMS) {
  Deno.test(`PageCache: leaves the images that CRIU reads, ${form}-byte headers`, async () => {
    using dir = new Temporary();
    const cache = new PageCache(PAGE_BYTES);
    const bytes = iterationStream(form, [
      { image: TASK, runs: [{ page: 16, count: 2, mark: 100 }, { page: 18, count: 1, mark: 200 }] },
      { image: SHARED, runs: [{ page: 0, count: 1, mark: 300, lazy: false }] },
    ]);
    await takeIn(cache, dir.sub("1"), bytes);
    const pagemap = readPagemap(Deno.readFileSync(`${dir.path}/1/pagemap-4711.img`));
    const { LAZY, PRESENT } = Flag;
    assertEquals(pagemap.entries, [
      { vaddr: 16 * 4096, pages: 2, flags: LAZY | PRESENT },
      { vaddr: 18 * 4096, pages: 1, flags: LAZY | PRESENT },
    ]);
    assertEquals([...memoryInImages(`${dir.path}/1`, TASK)], [[16, 100], [17, 101], [18, 200]]);
    assertEquals([...memoryInImages(`${dir.path}/1`, SHARED)], [[0, 300]]);
    assertEquals(cache.pagesFiles, [
      { id: 1, path: `${dir.path}/1/pages-1.img` },
      { id: 2, path: `${dir.path}/1/pages-2.img` },
    ]);
  });

  Deno.test(`PageCache: answers as CRIU's page server does, ${form}-byte headers`, async () => {
    using dir = new Temporary();
    const cache = new PageCache(PAGE_BYTES);
    const ask = (image: ImageId) => message(form, Command.PARENT, { id: wireId(image) });
    const first = iterationStream(form, [{ image: TASK, runs: [] }]);
    await takeIn(cache, dir.sub("1"), stream(ask(TASK), first));
    assertEquals(await answersOf(cache, 3), [[0, 0, 0, 0], [0], [0, 0, 0, 0]]);
    const second = iterationStream(form, [TASK, SHARED].map((image) => ({ image, runs: [] })));
    await takeIn(cache, dir.sub("2"), stream(ask(TASK), ask(SHARED), second), {
      parentImg: "../1",
    });
    assertEquals(await answersOf(cache, 5), [[1, 0, 0, 0], [0, 0, 0, 0], [1], [0], [0, 0, 0, 0]]);
  });

  Deno.test(`PageCache: knows each page's newest version over iterations, ${form} bytes`, async () => {
    for (let seed = 0; seed < 12; seed++) {
      using dir = new Temporary();
      const random = new Random(seed);
      const cache = new PageCache(PAGE_BYTES);
      const images = [TASK, { kind: "task", id: 4712 } as const];
      const memories: Memory[] = images.map(() => new Map());
      let mark = 0;
      for (let iteration = 1; iteration <= 3; iteration++) {
        const sent = images.map((image, index) => {
          const memory = memories[index] ?? new Map();
          return { image, runs: randomRuns(random, memory, () => mark += 1000) };
        });
        await takeIn(cache, dir.sub(`${iteration}`), iterationStream(form, sent), {
          ...iteration > 1 ? { parentImg: `../${iteration - 1}` } : {},
          chunkBytes: random.pick([97, 4096, 4097, 200_000]),
        });
        images.forEach((image, index) => {
          const wanted = [...memories[index] ?? []];
          const what = `seed ${seed}, iteration ${iteration}`;
          assertEquals([...memoryIn(cache, image)], wanted, what);
          assertEquals([...memoryInImages(`${dir.path}/${iteration}`, image)], wanted, what);
        });
      }
    }
  });
}

Deno.test("PageCache: the commands of old CRIUs count, and are not answered", async () => {
  using dir = new Temporary();
  const cache = await having(dir, { image: TASK, runs: [{ page: 1, count: 3, mark: 7 }] });
  await answersOf(cache, 2);
  const bytes = stream(
    message(24, Command.OPEN, { id: wireId(TASK) }),
    message(24, Command.HOLE, { pages: 2, address: 0x1000n }),
    message(24, Command.ADD, { pages: 1, address: 0x3000n }),
    message(24, Command.CLOSE, {}),
  );
  await takeIn(cache, dir.sub("2"), bytes, { parentImg: "../1" });
  assertEquals(await answersOf(cache, 1), [[0, 0, 0, 0]]);
  assertEquals([...memoryIn(cache, TASK)], [[1, 7], [2, 8], [3, 0xcccccccc]]);
});

Deno.test("PageCache: an image that nothing is left of stays known", async () => {
  using dir = new Temporary();
  const cache = await having(dir, { image: TASK, runs: [{ page: 1, count: 3, mark: 7 }] });
  const nothing = iterationStream(24, [{ image: TASK, runs: [] }]);
  await takeIn(cache, dir.sub("2"), nothing, { parentImg: "../1" });
  assertEquals(cache.last?.images.get(nameOf(TASK))?.pieces.pages, 0);
  assertEquals(cache.last?.images.get(nameOf(TASK))?.inherits, false);
});

Deno.test("PageCache: an image that comes twice is refused", async () => {
  const open = message(24, Command.OPEN2, { id: wireId(TASK) });
  const run = runMessage(24, { page: 1, count: 1, mark: 1 });
  assertMatch(await refusal({ image: TASK, runs: [] }, open, run, open), /comes twice/);
});

Deno.test("PageCache: pages of no image, or in no order, are refused", async () => {
  const first = { image: TASK, runs: [] };
  const ask = message(24, Command.PARENT, { id: wireId(TASK) });
  const run = (page: number) => runMessage(24, { page, count: 2, mark: 1 });
  assertMatch(await refusal(first, ask, run(1)), /pages of no image/);
  const open = message(24, Command.OPEN2, { id: wireId(TASK) });
  for (const page of [1, 2, 3]) {
    assertMatch(await refusal(first, open, run(2), run(page)), /do not come in order/);
  }
});

Deno.test("PageCache: pages that are nowhere are refused", async () => {
  const open = message(24, Command.OPEN2, { id: wireId(TASK) });
  const nowhere = message(24, Command.ADD_F, { pages: 1, flags: Flag.LAZY, address: 0x1000n });
  assertMatch(await refusal({ image: TASK, runs: [] }, open, nowhere), /nowhere/);
});

Deno.test("PageCache: pages that the iteration before has in part only are refused", async () => {
  const first = {
    image: TASK,
    runs: [{ page: 10, count: 4, mark: 1 }, { page: 15, count: 2, mark: 50 }],
  };
  const open = message(24, Command.OPEN2, { id: wireId(TASK) });
  for (const [page, count] of [[9, 2], [10, 5], [13, 3], [14, 1], [15, 3], [30, 1]] as const) {
    const reason = await refusal(first, open, runMessage(24, { page, count }));
    assertMatch(reason, /iteration before does not have/, `${count} pages from ${page} on`);
  }
  const other = message(24, Command.OPEN2, { id: wireId(SHARED) });
  assertMatch(await refusal(first, other, runMessage(24, { page: 10, count: 1 })), /does not have/);
});

Deno.test("PageCache: an iteration that was cut short is none, and the one before stays", async () => {
  using dir = new Temporary();
  const cache = await having(dir, { image: TASK, runs: [{ page: 1, count: 1, mark: 7 }] });
  const before = cache.last;
  const whole = iterationStream(24, [{ image: TASK, runs: [{ page: 1, count: 2, mark: 9 }] }]);
  let number = 2;
  for (const length of [0, 10, 24, 48, 100, 48 + 2 * 4096, whole.length - 1]) {
    const cut = whole.subarray(0, length);
    const error = await assertRejects(() => takeIn(cache, dir.sub(`${number++}`), cut), PhaulError);
    assertEquals(error.code, "page-stream");
    assertEquals(cache.last, before);
  }
});

Deno.test("PageCache: takes nothing in while there is no iteration, and only one at once", async () => {
  using dir = new Temporary();
  const cache = new PageCache(PAGE_BYTES);
  const write = () => cache.channel.conn.write(new Uint8Array(24));
  assertEquals(assertThrows(write, PhaulError).code, "page-stream");
  await cache.begin({ imagesDir: dir.sub("1") });
  const again = await assertRejects(async () => {
    await cache.begin({ imagesDir: dir.path });
  }, PhaulError);
  assertEquals(again.code, "internal");
  await cache.abort();
  assertEquals(assertThrows(write, PhaulError).code, "page-stream");
});

Deno.test("PageCache: nobody waits for answers once the channel is shut down", async () => {
  const cache = new PageCache(PAGE_BYTES);
  const reading = cache.channel.conn.read(new Uint8Array(8));
  cache.channel.shutdown();
  assertEquals(await reading, null);
});

Deno.test("PageCache: what was answered in an iteration that failed is not the next one's", async () => {
  using dir = new Temporary();
  const cache = new PageCache(PAGE_BYTES);
  await cache.begin({ imagesDir: dir.sub("1") });
  await cache.channel.conn.write(message(24, Command.PARENT, { id: wireId(TASK) }));
  await cache.abort();
  await takeIn(cache, dir.sub("2"), iterationStream(24, [{ image: TASK, runs: [] }]));
  assertEquals(await answersOf(cache, 2), [[0], [0, 0, 0, 0]]);
});
