import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ArchiveWriter,
  discardArchive,
  Entry,
  extractArchive,
  isArchive,
  partialOf,
  publishArchive,
  verifyArchive,
} from "../../../src/archive/mod.ts";
import { frameBytes } from "../../../src/archive/frames.ts";
import { kindOf, readManifest } from "../../../src/archive/format.ts";
import { type ErrorCode, PhaulError } from "../../../src/errors.ts";
import { FileLock } from "../../../src/proc/mod.ts";
import { PageFlag, Pieces } from "../../../src/pages/mod.ts";
import { readPagemap } from "../../../src/pages/pagemap.ts";
import { loadZstd } from "../../../src/wire/mod.ts";
import { Temporary } from "../pages/temporary.ts";
import { begin } from "../wire/samples.ts";
import {
  CHECK,
  ID,
  IMAGE,
  memory,
  once,
  PAGE_BYTES,
  PAGEMAP,
  PAGES,
  PREPARE,
  read,
  writeSample,
} from "./sample.ts";

const pageBytes = PAGE_BYTES;

// libc is loaded once and stays: no test's matter.
Deno.test.beforeAll(() => void FileLock.take("/no/such/file"));

async function refused(code: ErrorCode, work: () => Promise<unknown>): Promise<PhaulError> {
  const error = await assertRejects(work, PhaulError);
  assertEquals(error.code, code, error.message);
  return error;
}

async function sampleBytes(): Promise<Uint8Array> {
  using dir = new Temporary();
  using _writer = await writeSample(`${dir.path}/tree`);
  return await Deno.readFile(partialOf(`${dir.path}/tree`));
}

Deno.test("ArchiveWriter: what it wrote is read as it was, in parts of any size", async () => {
  const bytes = await sampleBytes();
  for (const partBytes of [1, 7, bytes.length]) {
    const { memory: found, manifest, ...messages } = await read(bytes, partBytes);
    assertEquals(manifest.id, ID);
    assertEquals([messages.begin, messages.check, messages.prepare], [begin, CHECK, PREPARE]);
    const rows = (pieces: Pieces | undefined) =>
      Array.from(pieces ?? [], ({ page, count, file, at }) => [page, count, file, at]);
    assertEquals(rows(found.get(PAGEMAP)), rows(memory().get(PAGEMAP)));
  }
});

Deno.test("extractArchive: each page once, in its newest version, and images as they were", async () => {
  using dir = new Temporary();
  const path = `${dir.path}/tree`;
  using _writer = await writeSample(path);
  const contents = await verifyArchive(partialOf(path), { pageBytes });
  const images = dir.sub("images");
  await extractArchive(partialOf(path), contents, images, { pageBytes });
  const { pagesId, runs } = readPagemap(await Deno.readFile(`${images}/${PAGEMAP}`), PAGE_BYTES);
  assert(runs.every(({ flags }) => flags === PageFlag.PRESENT));
  assertEquals(
    runs.flatMap(({ page, count }) => Array.from({ length: count }, (_, n) => page + n)),
    [
      ...[10, 11, 12, 20],
    ],
  );
  const pages = await Deno.readFile(`${images}/pages-${pagesId}.img`);
  const digits = [0, 1, 2, 3].map((n) => [...pages.subarray(n * PAGE_BYTES, (n + 1) * PAGE_BYTES)]);
  assertEquals(digits, [1, 4, 3, 5].map((digit) => new Array(PAGE_BYTES).fill(digit)));
  assertEquals(await Deno.readFile(`${images}/core-4711.img`), IMAGE);
  assertEquals((await Deno.stat(`${images}/core-4711.img`)).mode! & 0o777, 0o600);
});

Deno.test("an archive: zstd and tar read it, and sha256sum agrees with it", async () => {
  using dir = new Temporary();
  await Deno.writeFile(`${dir.path}/tree.zst`, await sampleBytes());
  const script = "zstd -q -d tree.zst -o tree && tar -xf tree && sha256sum -c --quiet SHA256SUMS " +
    "&& cat END && sha256sum SHA256SUMS";
  const { code, stdout } = await new Deno.Command("sh", {
    ...{ args: ["-c", script], cwd: dir.path, stderr: "inherit" },
  }).output();
  assertEquals(code, 0);
  const [end = "", sums = ""] = new TextDecoder().decode(stdout).split("\n");
  assertEquals(end, `${ID} ${sums.slice(0, 64)}`);
});

Deno.test("ArchiveReader: an archive that ends anywhere before its end is refused", async () => {
  const bytes = await sampleBytes();
  for (let length = 0; length < bytes.length; length++) {
    await refused("archive-damaged", () => read(bytes.subarray(0, length)));
  }
});

Deno.test("ArchiveReader: a flipped bit anywhere is refused, or changes nothing", async () => {
  const bytes = await sampleBytes();
  const whole = await read(bytes);
  for (let at = 0; at < bytes.length; at++) {
    const flipped = bytes.slice();
    flipped[at] = (bytes[at] ?? 0) ^ 1 << at % 8;
    const found = await read(flipped).catch((error) => error);
    if (!(found instanceof PhaulError)) assertEquals(found, whole);
  }
});

Deno.test("ArchiveReader: what follows the end is refused", async () => {
  const bytes = await sampleBytes();
  const twice = new Uint8Array([...bytes, ...bytes]);
  await refused("archive-damaged", () => read(twice));
  await refused("archive-damaged", () => read(new Uint8Array([...bytes, 0])));
});

Deno.test("readManifest: a later version is told from what is none", () => {
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const later = { format: "phaul-archive", version: 2 };
  const code = (value: unknown) => assertThrows(() => readManifest(bytes(value)), PhaulError).code;
  assertEquals(code(later), "version-mismatch");
  for (const other of [{}, [], null, { ...later, format: "other" }, { ...later, version: 1 }]) {
    assertEquals(code(other), "archive-damaged");
  }
});

Deno.test("kindOf: names that would leave the directory, or be the pages', are none", () => {
  for (
    const name of [
      ...["images/../core-1.img", "images/pages-1.img", "images/pagemap-1.img", "pages/0"],
      ...["pages/1/2", "index/core-1.img.json", "/etc/passwd", "images/", "other", ""],
    ]
  ) {
    assertEquals(assertThrows(() => kindOf(name), PhaulError).code, "archive-damaged");
  }
});

for (
  const [what, row] of [
    ["pages that are not there", { page: 1, count: 2, file: 2, at: 1, lazy: false }],
    ["an entry that is not there", { page: 1, count: 1, file: 9, at: 0, lazy: false }],
  ] as const
) {
  Deno.test(`ArchiveWriter: an index of ${what} is found when it is read back`, async () => {
    using dir = new Temporary();
    using writer = await ArchiveWriter.create(`${dir.path}/tree`, PAGE_BYTES);
    await writer.begin(begin, CHECK);
    await writer.add(Entry.pages(2), 2 * PAGE_BYTES, once(PAGES[2] ?? new Uint8Array()));
    const pieces = new Pieces();
    pieces.push(row);
    const finish = () => writer.finish(PREPARE, new Map([[PAGEMAP, pieces]]));
    await refused("archive-damaged", finish);
  });
}

Deno.test("extractArchive: a page that is in two places is refused, and so is a change meanwhile", async () => {
  using dir = new Temporary();
  const path = `${dir.path}/tree`;
  using _writer = await writeSample(path);
  const contents = await verifyArchive(partialOf(path), { pageBytes });
  const [one, other] = [new Pieces(), new Pieces()];
  for (const pieces of [one, other]) {
    pieces.push({ page: 1, count: 1, file: 1, at: 0, lazy: false });
  }
  const twice = { ...contents, memory: new Map([[PAGEMAP, one], ["pagemap-1.img", other]]) };
  const extract = (what: typeof contents, to: string) => () =>
    extractArchive(partialOf(path), what, dir.sub(to), { pageBytes });
  await refused("archive-damaged", extract(twice, "a"));
  await refused("archive-damaged", extract({ ...contents, sums: "other" }, "b"));
});

Deno.test("publishArchive: gives the name once, and never somebody else's", async () => {
  using dir = new Temporary();
  const path = `${dir.path}/tree`;
  (await writeSample(path))[Symbol.dispose]();
  assertEquals(await isArchive(path, ID, PAGE_BYTES), false);
  await Deno.writeTextFile(path, "somebody's");
  await refused("archive-exists", () => publishArchive(path, ID, PAGE_BYTES));
  await Deno.remove(path);
  await refused("archive-damaged", () => publishArchive(path, "0".repeat(32), PAGE_BYTES));
  await publishArchive(path, ID, PAGE_BYTES);
  await publishArchive(path, ID, PAGE_BYTES);
  assertEquals(Array.from(Deno.readDirSync(dir.path), ({ name }) => name), ["tree"]);
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
});

Deno.test("discardArchive: removes what is its own, half or whole, and nothing else", async () => {
  using dir = new Temporary();
  const path = `${dir.path}/tree`;
  const there = () => Array.from(Deno.readDirSync(dir.path), ({ name }) => name);
  const writer = await writeSample(path);
  await discardArchive(path, ID, PAGE_BYTES);
  assertEquals(there(), ["tree.partial"], "one that is written is another phaul's");
  writer[Symbol.dispose]();
  await discardArchive(path, "0".repeat(32), PAGE_BYTES);
  assertEquals(there(), ["tree.partial"]);
  await discardArchive(path, ID, PAGE_BYTES);
  assertEquals(there(), []);
  await Deno.writeTextFile(partialOf(path), "");
  await discardArchive(path, ID, PAGE_BYTES);
  assertEquals(there(), []);
});

Deno.test("ArchiveWriter: what was stopped writes no more, and nothing is overwritten", async () => {
  using dir = new Temporary();
  const path = `${dir.path}/tree`;
  using writer = await ArchiveWriter.create(path, PAGE_BYTES);
  await refused("archive-exists", () => ArchiveWriter.create(path, PAGE_BYTES));
  writer.stop(new PhaulError("cancelled", "Cannot go on"));
  await refused("cancelled", () => writer.begin(begin, CHECK));
  await refused(
    "directory-unusable",
    () => ArchiveWriter.create(`${dir.path}/no/tree`, PAGE_BYTES),
  );
});

Deno.test("frameBytes: the length of each form of frame, once it can be told", async () => {
  const codec = await loadZstd();
  const random = crypto.getRandomValues(new Uint8Array(60_000));
  for (const content of [new Uint8Array(5), new Uint8Array(500_000), random]) {
    const frame = codec.compress(content);
    assertEquals(frameBytes(frame), frame.length);
    assertEquals(frameBytes(new Uint8Array([...frame, 1, 2, 3])), frame.length);
    assertEquals(frameBytes(frame.subarray(0, 6)), undefined);
  }
});
