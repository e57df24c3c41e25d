import { assertEquals, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { cut, type Piece, Pieces } from "../../../src/pages/pieces.ts";
import { Random } from "../../fuzz/mutator.ts";

function piece(page: number, count: number, at: number, more: Partial<Piece> = {}): Piece {
  return { page, count, at, file: 1, lazy: true, ...more };
}

function made(...all: readonly Piece[]): Pieces {
  const pieces = new Pieces();
  for (const one of all) pieces.push(one);
  return pieces;
}

/** Page by page: `lazy/file/place`, by the page's number. */
type Model = Map<number, string>;

function modelOf(pieces: Iterable<Piece>): Model {
  const model: Model = new Map();
  for (const { page, count, lazy, file, at } of pieces) {
    for (let i = 0; i < count; i++) model.set(page + i, `${lazy}/${file}/${at + i}`);
  }
  return model;
}

/** Ascending pieces with and without gaps, most of which go on where the last one ended. */
function randomPieces(random: Random, length: number): Piece[] {
  const all: Piece[] = [];
  let [page, at] = [random.below(5), 0];
  for (let i = 0; i < length; i++) {
    if (random.below(3) === 0) page += random.below(4);
    if (random.below(4) === 0) at += random.below(3);
    const count = 1 + random.below(6);
    all.push(piece(page, count, at, { file: 1 + random.below(2), lazy: random.below(4) > 0 }));
    page += count;
    at += count;
  }
  return all;
}

Deno.test("Pieces: nothing is in none", () => {
  const pieces = new Pieces();
  assertEquals([pieces.length, pieces.pages, pieces.end], [0, 0, 0]);
  assertEquals([...pieces.within(0, 1000)], []);
});

Deno.test("Pieces: what follows in memory and in the file becomes one", () => {
  assertEquals([...made(piece(10, 2, 0), piece(12, 3, 2))], [piece(10, 5, 0)]);
});

Deno.test("Pieces: another file, place, laziness or a gap keeps pieces apart", () => {
  const first = piece(10, 2, 0);
  const others = [
    piece(12, 1, 2, { file: 2 }),
    piece(12, 1, 2, { lazy: false }),
    piece(12, 1, 3),
    piece(13, 1, 2),
  ];
  for (const other of others) assertEquals([...made(first, other)], [first, other]);
});

Deno.test("Pieces: a piece that lies before or in another is refused", () => {
  for (const page of [0, 10, 11]) {
    const pieces = made(piece(10, 2, 0));
    const error = assertThrows(() => pieces.push(piece(page, 1, 2)), PhaulError);
    assertEquals(error.code, "page-stream");
    assertEquals([...pieces], [piece(10, 2, 0)]);
  }
});

Deno.test("Pieces: numbers beyond 32 bits are kept", () => {
  const far = piece(2 ** 40, 2 ** 33, 2 ** 41, { file: 2 ** 20 });
  assertEquals([...made(far)], [far]);
});

Deno.test("Pieces: random pieces hold the pages that were put in, each where it was", () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = new Random(seed);
    const all = randomPieces(random, 1 + random.below(300));
    const pieces = made(...all);
    const model = modelOf(all);
    assertEquals(modelOf(pieces), model, `seed ${seed}`);
    assertEquals(pieces.pages, model.size);
    assertEquals(pieces.end, Math.max(...model.keys()) + 1);
    assertEquals(pieces.length, [...pieces].length);
  }
});

Deno.test("Pieces.within: random ranges give exactly their pages, in order", () => {
  for (let seed = 0; seed < 100; seed++) {
    const random = new Random(seed);
    const all = randomPieces(random, 1 + random.below(40));
    const pieces = made(...all);
    const model = modelOf(all);
    for (let round = 0; round < 30; round++) {
      const [page, count] = [random.below(pieces.end + 5), 1 + random.below(40)];
      const found = [...pieces.within(page, count)];
      const wanted = [...model].filter(([one]) => one >= page && one < page + count);
      assertEquals([...modelOf(found)], wanted, `seed ${seed}, ${count} pages from ${page} on`);
      assertEquals(found.every((one) => one.count > 0), true);
    }
  }
});

Deno.test("cut: keeps contents with their pages", () => {
  assertEquals(cut(piece(10, 5, 100), 12, 14), piece(12, 2, 102));
  assertEquals(cut(piece(10, 5, 100), 0, 99), piece(10, 5, 100));
});
