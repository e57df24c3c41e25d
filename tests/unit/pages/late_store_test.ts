import { assertEquals, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { type LateRun, LateStore, PageCache } from "../../../src/pages/mod.ts";
import { loadLibc } from "../../../src/sys/mod.ts";
import { Command, Flag, message, stream } from "../criu/page_messages.ts";
import { type ImageId, wireId } from "./iterations.ts";
import { Temporary } from "./temporary.ts";

// Loaded at first use and never unloaded, which a test would be blamed for.
loadLibc();

const PAGE_BYTES = 4096;
const RUNS: readonly LateRun[] = [
  { file: 1, at: 2, count: 3 },
  { file: 1, at: 9, count: 1 },
  { file: 2, at: 0, count: 4 },
];
const PAGES = 8;

/** A folder with pages files as they are before anything has come. */
function folder(): Temporary {
  const dir = new Temporary();
  for (const [file, pages] of [[1, 12], [2, 4]] as const) {
    Deno.writeFileSync(`${dir.path}/pages-${file}.img`, new Uint8Array(pages * PAGE_BYTES));
  }
  return dir;
}

/** Pages, each full of a byte of its own. */
function contents(first: number, count: number): Uint8Array {
  const bytes = new Uint8Array(count * PAGE_BYTES);
  for (let page = 0; page < count; page++) {
    bytes.fill(100 + first + page, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
  }
  return bytes;
}

/** The first byte of each page of a file. */
function marksIn(dir: Temporary, file: number): number[] {
  const bytes = Deno.readFileSync(`${dir.path}/pages-${file}.img`);
  return Array.from(
    { length: bytes.length / PAGE_BYTES },
    (_, page) => bytes[page * PAGE_BYTES] ?? 0,
  );
}

Deno.test("LateStore: in the beginning everything is missing, as one range of numbers", () => {
  using dir = folder();
  using store = LateStore.make(dir.path, PAGE_BYTES, RUNS);
  assertEquals([store.count, store.missing], [PAGES, PAGES]);
  assertEquals([...store.ranges()], [{ first: 0, count: PAGES }]);
});

Deno.test("LateStore.take: each page gets to its place, over the borders of runs and files", () => {
  using dir = folder();
  using store = LateStore.make(dir.path, PAGE_BYTES, RUNS);
  store.take(2, contents(2, 4));
  assertEquals([...store.ranges()], [{ first: 0, count: 2 }, { first: 6, count: 2 }]);
  store.take(6, contents(6, 2));
  store.take(0, contents(0, 2));
  assertEquals([store.missing, [...store.ranges()]], [0, []]);
  assertEquals(marksIn(dir, 1), [0, 0, 100, 101, 102, 0, 0, 0, 0, 103, 0, 0]);
  assertEquals(marksIn(dir, 2), [104, 105, 106, 107]);
});

Deno.test("LateStore.take: a page that comes twice counts once", () => {
  using dir = folder();
  using store = LateStore.make(dir.path, PAGE_BYTES, RUNS);
  store.take(1, contents(1, 1));
  store.take(0, contents(0, 3));
  assertEquals(store.missing, PAGES - 3);
});

Deno.test("LateStore.take: pages that there are not, or parts of some, are refused", () => {
  using dir = folder();
  using store = LateStore.make(dir.path, PAGE_BYTES, RUNS);
  const refused: [number, Uint8Array][] = [
    [PAGES, contents(0, 1)],
    [PAGES - 1, contents(0, 2)],
    [-1, contents(0, 1)],
    [2 ** 60, contents(0, 1)],
    [0, new Uint8Array()],
    [0, new Uint8Array(PAGE_BYTES + 1)],
  ];
  for (const [first, bytes] of refused) {
    assertThrows(() => store.take(first, bytes), PhaulError, "no such pages");
  }
  assertEquals(store.missing, PAGES);
});

Deno.test("LateStore.numbered: places in files have the numbers of their runs", () => {
  using dir = folder();
  using store = LateStore.make(dir.path, PAGE_BYTES, RUNS);
  assertEquals(store.numbered({ file: 1, at: 3, count: 16 }), { first: 1, count: 2 });
  assertEquals(store.numbered({ file: 2, at: 1, count: 2 }), { first: 5, count: 2 });
  assertEquals(store.numbered({ file: 1, at: 5, count: 1 }), undefined);
});

Deno.test("LateStore.find: another phaul knows what has not come", () => {
  using dir = folder();
  {
    using store = LateStore.make(dir.path, PAGE_BYTES, RUNS);
    store.take(3, contents(3, 2));
  }
  using store = LateStore.find(dir.path, PAGE_BYTES);
  assertEquals(store?.missing, PAGES - 2);
  assertEquals([...store?.ranges() ?? []], [{ first: 0, count: 3 }, { first: 5, count: 3 }]);
});

Deno.test("LateStore.find: where nothing comes late there is none", () => {
  using dir = new Temporary();
  assertEquals(LateStore.find(dir.path, PAGE_BYTES), undefined);
});

Deno.test("PageCache: pages that come late have their places, and holes in them", async () => {
  using dir = new Temporary();
  const cache = new PageCache(PAGE_BYTES, true);
  await cache.begin({ imagesDir: dir.sub("1") });
  const task: ImageId = { kind: "task", id: 4711 };
  const add = (page: number, pages: number, flags: number) =>
    message(24, Command.ADD_F, { pages, flags, address: BigInt(page * PAGE_BYTES) });
  await cache.channel.conn.write(stream(
    message(24, Command.OPEN2, { id: wireId(task) }),
    add(16, 2, Flag.LAZY),
    add(18, 1, Flag.PRESENT),
    add(20, 1, Flag.LAZY),
    message(24, Command.CLOSE, {}),
  ));
  await cache.end();
  assertEquals(cache.last?.late, [{ file: 1, at: 0, count: 2 }, { file: 1, at: 3, count: 1 }]);
  const pages = Deno.readFileSync(`${dir.path}/1/pages-1.img`);
  assertEquals(pages.length, 4 * PAGE_BYTES);
  assertEquals([0, 1, 2, 3].map((page) => pages[page * PAGE_BYTES]), [0, 0, 0xcc, 0]);
});
