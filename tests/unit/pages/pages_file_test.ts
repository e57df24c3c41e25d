import { assert, assertEquals, assertThrows } from "@std/assert";
import { pagesBuffer, PagesFile } from "../../../src/pages/pages_file.ts";
import { Random } from "../../fuzz/mutator.ts";
import { stream as joined } from "../criu/page_messages.ts";
import { Temporary } from "./temporary.ts";

Deno.test("PagesFile: a long part never overtakes the short ones before it", () => {
  using dir = new Temporary();
  using file = new PagesFile(dir.path, 1, pagesBuffer());
  const half = pagesBuffer().length / 2;
  file.append(new Uint8Array(3).fill(1));
  file.append(new Uint8Array(half).fill(2));
  file.append(new Uint8Array(3).fill(3));
  file.flush();
  const content = Deno.readFileSync(file.path);
  assertEquals(content.length, half + 6);
  assertEquals([content[0], content[3], content[half + 2], content[half + 3]], [1, 2, 2, 3]);
});

Deno.test("PagesFile: parts of any size come out in the order in which they came in", () => {
  const buffer = pagesBuffer();
  const sizes = [0, 1, 7, 4096, 65_536, 131_071, 131_072, 131_073, 262_143, 262_144, 262_145];
  for (let seed = 0; seed < 20; seed++) {
    using dir = new Temporary();
    const random = new Random(seed);
    const parts = Array.from({ length: 12 }, (_, index) => {
      return new Uint8Array(random.pick(sizes)).fill(index + 1);
    });
    using file = new PagesFile(dir.path, 1, buffer);
    for (const part of parts) {
      // What was given may be reused at once.
      const given = part.slice();
      file.append(given);
      given.fill(0xff);
    }
    file.flush();
    assertEquals(file.bytes, parts.reduce((sum, { length }) => sum + length, 0));
    const content = Deno.readFileSync(file.path);
    const wanted = joined(...parts);
    // Compared by hand: a difference would be printed whole.
    assert(content.length === wanted.length && content.every((b, at) => b === wanted[at]));
  }
});

Deno.test("PagesFile: its file is for its owner only, and never one that is there already", () => {
  using dir = new Temporary();
  {
    using file = new PagesFile(dir.path, 7, pagesBuffer());
    assertEquals(file.path, `${dir.path}/pages-7.img`);
  }
  assertEquals((Deno.statSync(`${dir.path}/pages-7.img`).mode ?? 0) & 0o777, 0o600);
  assertThrows(() => new PagesFile(dir.path, 7, pagesBuffer()), Deno.errors.AlreadyExists);
});
