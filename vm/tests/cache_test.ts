import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { cachedFolder, cacheRoot, contentKey } from "../cache.ts";
import { exists } from "../command.ts";

/** A kind of folder that only this test knows, gone afterwards. */
async function withKind(body: (kind: string) => Promise<void>): Promise<void> {
  const kind = `test${crypto.randomUUID().slice(0, 8)}`;
  try {
    await body(kind);
  } finally {
    for (const { name } of [...Deno.readDirSync(cacheRoot())]) {
      if (name.includes(kind)) await Deno.remove(`${cacheRoot()}/${name}`, { recursive: true });
    }
  }
}

Deno.test("cachedFolder: builds once for all who ask at the same time", async () => {
  await withKind(async (kind) => {
    let builds = 0;
    const build = async (dir: string) => {
      builds++;
      await Deno.writeTextFile(`${dir}/file`, "content");
    };
    const all = await Promise.all([1, 2, 3].map(() => cachedFolder(kind, "key", build)));
    assertEquals(builds, 1);
    assertEquals(new Set(all).size, 1);
    assertEquals(await Deno.readTextFile(`${all[0]}/file`), "content");
  });
});

Deno.test("cachedFolder: a failed build leaves nothing", async () => {
  await withKind(async (kind) => {
    const build = async (dir: string) => {
      await Deno.writeTextFile(`${dir}/half`, "");
      throw new Error("no room");
    };
    await assertRejects(() => cachedFolder(kind, "key", build), Error, "no room");
    assertEquals(exists(`${cacheRoot()}/${kind}-key`), false);
    assertEquals(exists(`${cacheRoot()}/tmp-${kind}`), false);
  });
});

Deno.test("cachedFolder: keeps only the newest", async () => {
  await withKind(async (kind) => {
    const build = async () => {};
    const old = await cachedFolder(kind, "a", build, 1);
    await Deno.utime(old, new Date(0), new Date(0));
    const fresh = await cachedFolder(kind, "b", build, 1);
    assertEquals([exists(old), exists(fresh)], [false, true]);
  });
});

Deno.test("contentKey: depends on every part and where it ends", async () => {
  assertEquals(await contentKey(["ab", "c"]), await contentKey(["ab", "c"]));
  assertNotEquals(await contentKey(["ab", "c"]), await contentKey(["a", "bc"]));
});
