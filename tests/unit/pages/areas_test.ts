import { assertEquals } from "@std/assert";
import { type Area, Areas } from "../../../src/pages/areas.ts";
import { Random } from "../../fuzz/mutator.ts";

/** The part of memory that is looked at, in pages. */
const WINDOW = 60;

/** For each page of the window, its number in the images. */
type Model = (number | undefined)[];

function all(areas: Areas): Area[] {
  const found: Area[] = [];
  for (let area = areas.from(0); area; area = areas.from(area.end)) found.push(area);
  return found;
}

function modelOf(areas: Areas): Model {
  return Array.from({ length: WINDOW }, (_, page) => {
    const area = areas.from(page);
    return area && area.start <= page ? page - area.shift : undefined;
  });
}

function move(model: Model, start: number, end: number, to: number): void {
  const moved = model.slice(start, end);
  model.fill(undefined, start, end);
  moved.forEach((page, index) => model[to + index] = page);
}

Deno.test("Areas.untouched: every page is where it was", () => {
  const areas = Areas.untouched();
  assertEquals(areas.from(2 ** 36), { start: 0, end: Number.MAX_SAFE_INTEGER, shift: 0 });
});

Deno.test("Areas.remove: what is left are both sides", () => {
  const areas = Areas.untouched();
  areas.remove(10, 20);
  assertEquals(all(areas).map(({ start, end }) => [start, end]), [
    [0, 10],
    [20, Number.MAX_SAFE_INTEGER],
  ]);
  assertEquals(areas.from(10)?.start, 20, "the next one");
});

Deno.test("Areas.from: there is nothing behind the last", () => {
  const areas = Areas.untouched();
  areas.remove(10, Number.MAX_SAFE_INTEGER);
  assertEquals(areas.from(9)?.end, 10);
  assertEquals(areas.from(10), undefined);
});

Deno.test("Areas.move: pages keep their numbers in the images over two moves", () => {
  const areas = Areas.untouched();
  areas.move(10, 15, 40);
  areas.move(42, 44, 5);
  const model = modelOf(areas);
  assertEquals([model[40], model[41], model[42], model[44]], [10, 11, undefined, 14]);
  assertEquals([model[5], model[6], model[7]], [12, 13, 7]);
  assertEquals(model.slice(10, 15), Array(5).fill(undefined));
});

Deno.test("Areas.copy: another process goes its own way", () => {
  const areas = Areas.untouched();
  areas.move(1, 2, 30);
  const copy = areas.copy();
  const before = modelOf(areas);
  copy.remove(0, WINDOW);
  assertEquals(modelOf(areas), before);
  areas.move(30, 31, 3);
  assertEquals(modelOf(copy), Array(WINDOW).fill(undefined));
});

Deno.test("Areas: random events come to what a table of pages comes to", () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = new Random(seed);
    const areas = Areas.untouched();
    const model: Model = Array.from({ length: WINDOW }, (_, page) => page);
    for (let step = 0; step < 25; step++) {
      const count = 1 + random.below(12);
      const [start, to] = [random.below(WINDOW - count), random.below(WINDOW - count)];
      if (random.below(2) === 0) {
        areas.remove(start, start + count);
        model.fill(undefined, start, start + count);
      } else {
        areas.move(start, start + count, to);
        move(model, start, start + count, to);
      }
      assertEquals(modelOf(areas), model, `seed ${seed}, step ${step}`);
    }
    const found = all(areas);
    assertEquals(found.every(({ start, end }) => start < end), true);
    assertEquals(found.every(({ start }, i) => start >= (found[i - 1]?.end ?? 0)), true);
  }
});
