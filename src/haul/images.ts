/**
 * The image files that CRIU wrote on the source, other than pages, on their way to the destination.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { ImageSink, OutgoingImage } from "../wire/mod.ts";
import { isFull, noSpace } from "../proc/mod.ts";

/** What the page cache writes, and nobody else may. */
const OF_PAGES = /^(pages|pagemap)-/;
const CHUNK_BYTES = 256 * 1024;

/**
 * The images in `dir`, one after the other. Statistics and logs stay behind, and so does the link to
 * the parent images, which the destination has made for itself.
 *
 * @param onBytes Told about each chunk that went out.
 */
export async function* imagesOf(
  dir: string,
  onBytes: (bytes: number) => void,
): AsyncGenerator<OutgoingImage> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for await (const entry of Deno.readDir(dir)) {
    if (!entry.isFile || !entry.name.endsWith(".img")) continue;
    const path = `${dir}/${entry.name}`;
    const { size } = await Deno.stat(path);
    yield { name: entry.name, size, content: contentOf(path, buffer, onBytes) };
  }
}

async function* contentOf(
  path: string,
  buffer: Uint8Array,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
    yield buffer.subarray(0, count);
    onBytes(count);
  }
}

/**
 * Writes a received image to `dir`.
 *
 * @throws PhaulError `no-space`; `protocol` when there is such a file already, or it could be one that the
 * page cache makes
 */
export async function imageSink(dir: string, name: string): Promise<ImageSink> {
  const path = `${dir}/${name}`;
  if (OF_PAGES.test(name)) {
    throw new PhaulError("protocol", `Cannot take image "${path}": pages come on their own way`);
  }
  const file = await newFile(path);
  return {
    async write(chunk) {
      try {
        for (let done = 0; done < chunk.length;) done += await file.write(chunk.subarray(done));
      } catch (cause) {
        throw isFull(cause) ? noSpaceFor(path, cause) : cause;
      }
    },
    close() {
      file.close();
      return Promise.resolve();
    },
    async abort() {
      file.close();
      await Deno.remove(path).catch(() => {});
    },
  };
}

async function newFile(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  } catch (cause) {
    if (isFull(cause)) throw noSpaceFor(path, cause);
    if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
    const message = `Cannot take image "${path}": there is such a file already`;
    throw new PhaulError("protocol", message, { cause });
  }
}

function noSpaceFor(path: string, cause: unknown): PhaulError {
  return noSpace(`image "${path}"`, "--work-dir", cause);
}
