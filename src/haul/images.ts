/**
 * The image files that CRIU wrote on the source, other than pages, on their way to the destination.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { ImageSink, OutgoingImage } from "../wire/mod.ts";
import { isFull, noSpace } from "../proc/mod.ts";

/** What the page cache writes, and nobody else may. A CRIU without a page channel leaves some as well. */
const OF_PAGES = /^(pages|pagemap)-/;
const CHUNK_BYTES = 256 * 1024;

/**
 * The images in `dir`, one after the other. Statistics and logs stay behind, and so does the link to
 * the parent images, which the destination has made for itself.
 *
 * They were just written, and the tree stands frozen: what is read of them without waiting is there, and
 * waiting for each of dozens would take longer than all of them.
 *
 * @param onBytes Told about each chunk that went out.
 */
export function* imagesOf(
  dir: string,
  onBytes: (bytes: number) => void,
): Generator<OutgoingImage> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (const entry of Deno.readDirSync(dir)) {
    if (!entry.isFile || !entry.name.endsWith(".img") || OF_PAGES.test(entry.name)) continue;
    const path = `${dir}/${entry.name}`;
    const { size } = Deno.statSync(path);
    yield { name: entry.name, size, content: contentOf(path, buffer, onBytes) };
  }
}

function* contentOf(
  path: string,
  buffer: Uint8Array,
  onBytes: (bytes: number) => void,
): Generator<Uint8Array> {
  using file = Deno.openSync(path);
  for (let count = file.readSync(buffer); count !== null; count = file.readSync(buffer)) {
    yield buffer.subarray(0, count);
    onBytes(count);
  }
}

/**
 * Writes a received image to `dir`, into the kernel's cache and without waiting, as they are read.
 *
 * @throws PhaulError `no-space`; `protocol` when there is such a file already, or it could be one that the
 * page cache makes
 */
export function imageSink(dir: string, name: string): ImageSink {
  const path = `${dir}/${name}`;
  if (OF_PAGES.test(name)) {
    throw new PhaulError("protocol", `Cannot take image "${path}": pages come on their own way`);
  }
  const file = newFile(path);
  return {
    write(chunk) {
      try {
        for (let done = 0; done < chunk.length;) done += file.writeSync(chunk.subarray(done));
        return Promise.resolve();
      } catch (cause) {
        return Promise.reject(isFull(cause) ? noSpaceFor(path, cause) : cause);
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

function newFile(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
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
