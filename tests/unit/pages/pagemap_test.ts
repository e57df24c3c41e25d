import { assertEquals } from "@std/assert";
import { PageFlag, PagemapWriter } from "../../../src/pages/pagemap.ts";
import { readPagemap } from "./pagemaps.ts";

const MIB_64 = 64 * 2 ** 20 / 4096;

Deno.test("PagemapWriter: without an entry there is only the head", () => {
  assertEquals(readPagemap(new PagemapWriter(300, 4096).finish()), { pagesId: 300, entries: [] });
});

Deno.test("PagemapWriter: CRIU reads what was added, by either version's field", () => {
  const writer = new PagemapWriter(1, 4096);
  writer.add(0x400, 3, PageFlag.PRESENT);
  writer.add(0x404, 1, PageFlag.PARENT | PageFlag.LAZY);
  writer.add(0x7ffff_fffff, 200, PageFlag.LAZY);
  assertEquals(readPagemap(writer.finish()).entries, [
    { vaddr: 0x400000, pages: 3, flags: 4 },
    { vaddr: 0x404000, pages: 1, flags: 3 },
    { vaddr: 0x7ffff_fffff_000, pages: 200, flags: 2 },
  ]);
});

Deno.test("PagemapWriter: no entry is longer than 64 MiB", () => {
  for (const count of [MIB_64 - 1, MIB_64, MIB_64 + 1, 3 * MIB_64 + 5]) {
    const writer = new PagemapWriter(1, 4096);
    writer.add(16, count, PageFlag.LAZY);
    const { entries } = readPagemap(writer.finish());
    assertEquals(entries.length, Math.ceil(count / MIB_64));
    let next = 16 * 4096;
    for (const { vaddr, pages } of entries) {
      assertEquals(vaddr, next);
      assertEquals(pages <= MIB_64, true);
      next += pages * 4096;
    }
    assertEquals(next, (16 + count) * 4096);
  }
});

Deno.test("PagemapWriter: addresses are in bytes for pages of any size", () => {
  const writer = new PagemapWriter(1, 65_536);
  writer.add(3, 1, PageFlag.PRESENT);
  assertEquals(readPagemap(writer.finish()).entries[0]?.vaddr, 3 * 65_536);
});
