/**
 * Archives as files that are there already.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { isFull, noSpace } from "../proc/mod.ts";
import type { Pieces } from "../pages/mod.ts";
import { loadZstd } from "../wire/mod.ts";
import { damaged } from "./damage.ts";
import { Extraction } from "./extract.ts";
import type { Manifest } from "./format.ts";
import { type ArchiveContents, ArchiveReader } from "./reader.ts";

const CHUNK_BYTES = 512 * 1024;

/** How an archive is read. */
export interface ReadingOptions {
  /** The size of a page. */
  readonly pageBytes: number;
  readonly signal?: AbortSignal;
}

/**
 * Reads the whole archive and checks all of it.
 *
 * @throws PhaulError `archive-damaged`, `version-mismatch`, `file-missing`, `cancelled`
 */
export async function verifyArchive(
  path: string,
  { pageBytes, signal }: ReadingOptions,
): Promise<ArchiveContents> {
  const reader = new ArchiveReader(await loadZstd(), pageBytes);
  await readInto(reader, path, signal);
  return reader.finish();
}

/**
 * Reads an archive that was verified once more, and writes its images to `dir`, which is empty.
 *
 * @throws PhaulError as {@linkcode verifyArchive}, `no-space`; `archive-damaged` also when it is not what
 * was verified
 */
export async function extractArchive(
  path: string,
  { memory, sums }: { readonly memory: ReadonlyMap<string, Pieces>; readonly sums: string },
  dir: string,
  { pageBytes, signal }: ReadingOptions,
): Promise<void> {
  try {
    using extraction = new Extraction(dir, memory, pageBytes);
    const reader = new ArchiveReader(await loadZstd(), pageBytes, extraction);
    await readInto(reader, path, signal);
    if (reader.finish().sums !== sums) throw damaged("somebody changed it while it was read");
  } catch (cause) {
    throw isFull(cause) ? noSpace(`to "${dir}"`, "--work-dir", cause) : cause;
  }
}

/**
 * The manifest alone; undefined where there is no such file, or not so much of one.
 *
 * @throws PhaulError `archive-damaged` for something else
 */
export async function manifestIn(path: string, pageBytes: number): Promise<Manifest | undefined> {
  const reader = new ArchiveReader(await loadZstd(), pageBytes);
  using file = await Deno.open(path).catch(absent);
  if (!file) return undefined;
  const buffer = new Uint8Array(CHUNK_BYTES);
  while (reader.manifest === undefined) {
    const count = await file.read(buffer);
    if (count === null) return undefined;
    reader.push(buffer.subarray(0, count));
  }
  return reader.manifest;
}

async function readInto(
  reader: ArchiveReader,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  using file = await Deno.open(path).catch((cause) => {
    throw unreadable(path, cause);
  });
  if (!(await file.stat()).isFile) throw damaged(`"${path}" is no file`);
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    if (signal?.aborted) throw asPhaulError(signal.reason);
    const count = await file.read(buffer).catch((cause) => {
      throw unreadable(path, cause);
    });
    if (count === null) return;
    reader.push(buffer.subarray(0, count));
  }
}

function unreadable(path: string, cause: unknown): PhaulError {
  return new PhaulError("file-missing", `Cannot read "${path}": ${asPhaulError(cause).message}`, {
    remedy: "Name the archive as it lies on this host, and let root read it",
    cause,
  });
}

function absent(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound) return undefined;
  throw error;
}
