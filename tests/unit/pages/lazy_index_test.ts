import { assertEquals, assertThrows } from "@std/assert";
import { LazyIndexWriter, readLazyIndex } from "../../../src/pages/lazy_index.ts";
import type { Piece } from "../../../src/pages/pieces.ts";
import { Temporary } from "./temporary.ts";

Deno.test("LazyIndexWriter, readLazyIndex: what was written is read, however much it is", () => {
  for (const length of [0, 1, 4095, 4096, 4097, 10_000]) {
    using dir = new Temporary();
    const path = `${dir.path}/index`;
    const pieces: Piece[] = Array.from({ length }, (_, index) => {
      return { page: 2 ** 35 + index * 3, count: 2, file: 1 + index % 5, at: index, lazy: true };
    });
    {
      using writer = new LazyIndexWriter(path);
      for (const piece of pieces) writer.add(piece);
      writer.flush();
      assertEquals(writer.pages, 2 * length);
    }
    assertEquals([...readLazyIndex(path)], pieces);
  }
});

Deno.test("LazyIndexWriter: never writes over a file", () => {
  using dir = new Temporary();
  Deno.writeTextFileSync(`${dir.path}/index`, "");
  assertThrows(() => new LazyIndexWriter(`${dir.path}/index`), Deno.errors.AlreadyExists);
});

Deno.test("readLazyIndex: a task without memory has an empty one", () => {
  assertEquals(readLazyIndex("/dev/null").length, 0);
});
