/**
 * Writes an archive: under another name, on the disk, read back, and only then under its own.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { asPhaulError, PhaulError } from "../errors.ts";
import { FileLock, isFull, noSpace } from "../proc/mod.ts";
import type { Pieces } from "../pages/mod.ts";
import {
  type BeginRequest,
  type BlockCodec,
  type CheckRequest,
  loadZstd,
  type PrepareRequest,
} from "../wire/mod.ts";
import { encodeRequest, Entry, manifestOf, sealOf, sumLine } from "./format.ts";
import { FRAME_CONTENT_BYTES } from "./frames.ts";
import { alreadyThere, partialOf, syncFolderOf } from "./names.ts";
import { ArchiveReader } from "./reader.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar.ts";

const CHUNK_BYTES = 512 * 1024;

/** An archive that comes to be. Whoever has it publishes or discards it, and disposes of it. */
export class ArchiveWriter implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #lock: FileLock;
  readonly #codec: BlockCodec;
  /** Reads what is on the disk, as far as it is. */
  readonly #check: ArchiveReader;
  readonly #buffer = new Uint8Array(FRAME_CONTENT_BYTES);
  #filled = 0;
  #written = 0;
  #checked = 0;
  #sums = "";
  #id = "";
  #stopped: PhaulError | undefined;
  #closed = false;

  private constructor(
    path: string,
    file: Deno.FsFile,
    lock: FileLock,
    codec: BlockCodec,
    pageBytes: number,
  ) {
    this.#path = path;
    this.#file = file;
    this.#lock = lock;
    this.#codec = codec;
    this.#check = new ArchiveReader(codec, pageBytes);
  }

  /**
   * Begins the archive that is to be `path`, of mode 0600.
   *
   * @throws PhaulError `archive-exists`, `directory-unusable`, `no-space`
   */
  static async create(path: string, pageBytes: number): Promise<ArchiveWriter> {
    const codec = await loadZstd();
    await requireFree(path);
    const partial = partialOf(path);
    const options = { read: true, write: true, createNew: true, mode: 0o600 };
    const file = await Deno.open(partial, options).catch((cause) => {
      if (cause instanceof Deno.errors.AlreadyExists) throw alreadyThere(partial);
      throw unwritable(partial, cause);
    });
    const lock = FileLock.take(partial);
    if (lock) return new ArchiveWriter(path, file, lock, codec, pageBytes);
    file.close();
    throw alreadyThere(partial);
  }

  /** Bytes that were written, and read back: what a watchdog looks at. */
  get bytes(): number {
    return this.#written + this.#checked;
  }

  /** The size of the file so far, in bytes. */
  get fileBytes(): number {
    return this.#written;
  }

  /** Writes what the archive is; comes first. */
  async begin(begin: BeginRequest, check: CheckRequest): Promise<void> {
    this.#id = begin.migrationId;
    const manifest = `${JSON.stringify(manifestOf(begin, check), undefined, 2)}\n`;
    await this.#addSmall(Entry.manifest, bytesOf(manifest));
    await this.#addSmall(Entry.begin, encodeRequest(begin));
    await this.#addSmall(Entry.check, encodeRequest(check));
    await this.sync();
  }

  /** Adds the pages file number `id` of an iteration. */
  async addPages(id: number, path: string): Promise<void> {
    using file = await Deno.open(path);
    await this.add(Entry.pages(id), (await file.stat()).size, chunksOf(file));
  }

  /**
   * Adds an entry of exactly `size` bytes.
   *
   * @throws PhaulError `no-space`, `directory-unusable`; whatever ended it
   */
  async add(name: string, size: number, content: AsyncIterable<Uint8Array>): Promise<void> {
    const hash = createHash("sha256");
    await this.#put(tarHeader(name, size));
    let left = size;
    for await (const chunk of content) {
      left -= chunk.length;
      hash.update(chunk);
      await this.#put(chunk);
    }
    if (left !== 0) throw new PhaulError("internal", `Cannot archive "${name}": its size changed`);
    await this.#put(tarPadding(size));
    this.#sums += sumLine(hash.digest("hex"), name);
  }

  /** Puts all that was added on the disk, and reads it back. */
  async sync(): Promise<void> {
    await this.#flush();
    await this.#attempt(() => this.#file.sync());
    await this.#readBack();
  }

  /**
   * Ends the archive, which is whole then and on the disk, under its other name.
   *
   * @param memory By the names of pagemap images.
   */
  async finish(prepare: PrepareRequest, memory: ReadonlyMap<string, Pieces>): Promise<void> {
    for (const [name, pieces] of memory) {
      const rows = Array.from(pieces, ({ page, count, file, at }) => [page, count, file, at]);
      await this.#addSmall(Entry.index(name), bytesOf(JSON.stringify(rows)));
    }
    await this.#addSmall(Entry.prepare, encodeRequest(prepare));
    const sums = this.#sums;
    await this.#addSmall(Entry.sums, bytesOf(sums));
    await this.#addSmall(Entry.end, bytesOf(sealOf(this.#id, sums)));
    await this.#put(TAR_END);
    await this.sync();
    this.#check.finish();
    await this.#attempt(() => syncFolderOf(this.#path));
    // Better found now than when the tree has ended.
    await requireFree(this.#path);
  }

  /** Lets nothing more be written: whatever is under way fails with `reason`. */
  stop(reason: PhaulError): void {
    this.#stopped ??= reason;
  }

  /** Lets go of the file; it stays as it is. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopped ??= new PhaulError("cancelled", "Cannot write the archive: it was given up");
    this.#lock[Symbol.dispose]();
    this.#file.close();
  }

  async #addSmall(name: string, bytes: Uint8Array): Promise<void> {
    await this.add(
      name,
      bytes.length,
      (async function* () {
        await Promise.resolve();
        yield bytes;
      })(),
    );
  }

  async #put(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      const part = rest.subarray(0, this.#buffer.length - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled === this.#buffer.length) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    if (this.#filled === 0) return;
    const frame = this.#codec.compress(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
    await this.#attempt(async () => {
      for (let done = 0; done < frame.length;) done += await this.#file.write(frame.subarray(done));
    });
    this.#written += frame.length;
  }

  async #readBack(): Promise<void> {
    using file = await Deno.open(partialOf(this.#path));
    await file.seek(this.#checked, Deno.SeekMode.Start);
    const buffer = new Uint8Array(CHUNK_BYTES);
    while (this.#checked < this.#written) {
      const count = await this.#attempt(() => file.read(buffer));
      if (count === null) {
        throw new PhaulError("directory-unusable", `Cannot read "${this.#path}" back: it is short`);
      }
      this.#check.push(buffer.subarray(0, count));
      this.#checked += count;
    }
  }

  async #attempt<T>(step: () => Promise<T>): Promise<T> {
    if (this.#stopped) throw this.#stopped;
    try {
      return await step();
    } catch (cause) {
      if (this.#stopped) throw this.#stopped;
      if (isFull(cause)) throw noSpace(`archive "${this.#path}"`, "--to-archive", cause);
      throw unwritable(this.#path, cause);
    }
  }
}

async function requireFree(path: string): Promise<void> {
  const taken = await Deno.lstat(path).then(() => true, () => false);
  if (taken) throw alreadyThere(path);
}

async function* chunksOf(file: Deno.FsFile): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
    yield buffer.subarray(0, count);
  }
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function unwritable(path: string, cause: unknown): PhaulError {
  return new PhaulError(
    "directory-unusable",
    `Cannot write archive "${path}": ${asPhaulError(cause).message}`,
    { remedy: "Name a file in a directory that root can write with --to-archive", cause },
  );
}
