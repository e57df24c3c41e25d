/** Archives, which may have lain anywhere in between. */

import { assertEquals } from "@std/assert";
import { FrameReader } from "../../src/archive/frames.ts";
import { ArchiveReader } from "../../src/archive/mod.ts";
import { TarReader } from "../../src/archive/tar.ts";
import { loadZstd } from "../../src/wire/mod.ts";
import { PAGE_BYTES } from "../unit/archive/sample.ts";
import { testTargets } from "./fuzz.ts";

const codec = await loadZstd();

/** In parts of any size the same comes out, or the same refusal. */
function checkArchive(input: Uint8Array): void {
  const contents = [input.length + 1, 13].map((partBytes) => {
    const reader = new ArchiveReader(codec, PAGE_BYTES);
    for (let at = 0; at < input.length; at += partBytes) {
      reader.push(input.subarray(at, at + partBytes));
    }
    return reader.finish();
  });
  assertEquals(contents[0], contents[1]);
}

/** The layer below the checksums of zstd and of what is in it. */
function checkTar(input: Uint8Array): void {
  let left = 0;
  const tar = new TarReader({
    begin: (_name, size) => left = size,
    content: (bytes) => left -= bytes.length,
    end: () => assertEquals(left, 0),
  });
  tar.push(input);
  tar.finish();
}

/** The frames alone. */
function checkFrames(input: Uint8Array): void {
  const frames = new FrameReader(codec, () => {});
  frames.push(input);
  frames.finish();
}

testTargets([
  { name: "archive", allowed: ["archive-damaged", "version-mismatch"], check: checkArchive },
  { name: "archive-tar", allowed: ["archive-damaged"], check: checkTar },
  { name: "archive-frames", allowed: ["archive-damaged"], check: checkFrames },
]);
