import { assertEquals, assertThrows } from "@std/assert";
import { PhaulError } from "../../../src/errors.ts";
import { parseMmImage } from "../../../src/pages/mm_image.ts";
import { mmImage, PRIVATE } from "./mm_images.ts";

const SHARED_ANONYMOUS = 0x21;
const MAP_LOCKED = 0x2000;
const MAP_GROWSDOWN = 0x100;
const MAP_HUGETLB = 0x40000;
const REGULAR = 0x1;
const STACK = 1 << 1;

function lazy(flags: number, status: number): boolean | undefined {
  return parseMmImage(mmImage([{ start: 0x1000, end: 0x2000, flags, status }]))[0]?.lazy;
}

function refused(bytes: Uint8Array): void {
  assertEquals(assertThrows(() => parseMmImage(bytes), PhaulError).code, "protocol");
}

Deno.test("parseMmImage: finds each mapping, up to the highest addresses", () => {
  const areas = parseMmImage(mmImage([
    { start: 0x400000, end: 0x402000 },
    { start: 0x7fff_ffff_e000, end: 0x7fff_ffff_f000, flags: SHARED_ANONYMOUS },
  ]));
  assertEquals(areas, [
    { start: 0x400000, end: 0x402000, lazy: true },
    { start: 0x7fff_ffff_e000, end: 0x7fff_ffff_f000, lazy: false },
  ]);
});

Deno.test("parseMmImage: a task without mappings has none", () => {
  assertEquals(parseMmImage(mmImage([])), []);
});

Deno.test("parseMmImage: private anonymous memory is lazy, the heap and stack too", () => {
  assertEquals(lazy(PRIVATE, REGULAR | 1 << 9), true);
  assertEquals(lazy(PRIVATE | MAP_GROWSDOWN, REGULAR | STACK | 1 << 9), true);
});

Deno.test("parseMmImage: shared, locked, huge, file and kernel memory is not lazy", () => {
  assertEquals(lazy(SHARED_ANONYMOUS, REGULAR), false);
  assertEquals(lazy(PRIVATE | MAP_LOCKED, REGULAR), false);
  assertEquals(lazy(PRIVATE | MAP_HUGETLB, REGULAR), false);
  assertEquals(lazy(0x2, REGULAR), false);
  for (const bit of [2, 3, 12]) assertEquals(lazy(PRIVATE, REGULAR | 1 << bit), false);
});

Deno.test("parseMmImage: an image that is cut short anywhere is refused", () => {
  const image = mmImage([{ start: 0x1000, end: 0x2000 }]);
  for (let length = 0; length < image.length; length++) refused(image.subarray(0, length));
});

Deno.test("parseMmImage: another image, and what is no message, is refused", () => {
  for (const at of [0, 4]) {
    const image = mmImage([]);
    image[at] = (image[at] ?? 0) ^ 1;
    refused(image);
  }
  refused(mmImage([{ start: 0x1000, end: 0x2000 }]).fill(0xff, 12));
});

Deno.test("parseMmImage: mappings that cannot be are refused", () => {
  refused(mmImage([{ start: 0x1001, end: 0x2000 }]));
  refused(mmImage([{ start: 0x1000, end: 0x2001 }]));
  refused(mmImage([{ start: 0x2000, end: 0x1000 }]));
  refused(mmImage([{ start: 0x2000, end: 0x3000 }, { start: 0x1000, end: 0x2000 }]));
  refused(mmImage([{ start: 0x1000, end: 0x3000 }, { start: 0x2000, end: 0x4000 }]));
});
