import { assert, assertEquals, assertRejects } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { JournalStore } from "../../../src/journal/mod.ts";
import { loadLibc } from "../../../src/sys/mod.ts";
import { DESTINATION_RECORDS, SOURCE_RECORDS } from "./samples.ts";

loadLibc();

const NAME = { migration: "0123456789abcdef0123456789abcdef", side: "source" } as const;
const [BEGIN, INTENT, COMMIT] = SOURCE_RECORDS;
const [ADMITTED] = DESTINATION_RECORDS;

async function withStore(use: (store: JournalStore, dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await use(new JournalStore(`${dir}/state`), dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("it is not there");
  return value;
}

Deno.test("JournalStore: one folder for each migration, for its owner alone, a file for each side", async () => {
  await withStore(async (store) => {
    using source = await store.create(NAME, must(BEGIN));
    using destination = await store.create({ ...NAME, side: "destination" }, must(ADMITTED));
    assertEquals(await store.list(), [NAME, { ...NAME, side: "destination" }]);
    const folder = await Deno.stat(`${store.dir}/${NAME.migration}`);
    assertEquals([folder.mode ?? 0].map((mode) => mode & 0o777), [0o700]);
    assertEquals(((await Deno.stat(source.path)).mode ?? 0) & 0o777, 0o600);
    await source.remove();
    assertEquals(await store.list(), [{ ...NAME, side: "destination" }]);
    await destination.remove();
    assertEquals([...Deno.readDirSync(store.dir)], []);
  });
});

Deno.test("JournalStore: an id is used once, and a live journal is nobody else's", async () => {
  await withStore(async (store) => {
    using journal = await store.create(NAME, must(BEGIN));
    assertEquals(
      (await assertRejects(() => store.create(NAME, must(BEGIN)), PhaulError)).code,
      "busy",
    );
    assert(store.isLive(NAME));
    assertEquals(await store.reopen(NAME), undefined);
    journal.close();
    assert(!store.isLive(NAME));
    using again = await store.reopen(NAME);
    assertEquals(again?.records.map(({ record }) => record), [BEGIN]);
    assertEquals(again?.rebooted, false);
  });
});

Deno.test("DiskJournal: a torn tail is cut off before the next record", async () => {
  await withStore(async (store) => {
    const journal = await store.create(NAME, must(BEGIN));
    await journal.record(must(INTENT));
    journal.close();
    await Deno.truncate(journal.path, (await Deno.stat(journal.path)).size - 5);
    using again = must(await store.reopen(NAME));
    await again.record(must(COMMIT));
    const records = await store.read(NAME);
    assertEquals(records?.map(({ record }) => record), [BEGIN, COMMIT]);
  });
});

Deno.test("DiskJournal: records of several callers come one after the other", async () => {
  await withStore(async (store) => {
    using journal = await store.create(NAME, must(BEGIN));
    await Promise.all([must(INTENT), must(COMMIT)].map((record) => journal.record(record)));
    const records = await store.read(NAME);
    assertEquals(records?.map(({ record }) => record), [BEGIN, INTENT, COMMIT]);
  });
});

Deno.test("JournalStore: a journal without a first record is nobody's, and goes", async () => {
  await withStore(async (store) => {
    await Deno.mkdir(`${store.dir}/${NAME.migration}`, { recursive: true });
    await Deno.writeTextFile(store.pathOf(NAME), "");
    assertEquals(await store.reopen(NAME), undefined);
    assertEquals(await store.list(), []);
  });
});

Deno.test("JournalStore: without a state directory there is nothing", async () => {
  await withStore(async (store) => {
    assertEquals(await store.list(), []);
    assertEquals(await store.read(NAME), undefined);
    assertEquals(await store.reopen(NAME), undefined);
  });
});
