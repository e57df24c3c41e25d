/**
 * Lays an archive out as images that CRIU restores from: no parent, each page once.
 *
 * @module
 */

import { PageFlag, PagemapWriter, type Pieces } from "../pages/mod.ts";
import { damaged } from "./damage.ts";
import type { ContentListener } from "./reader.ts";

/** A run of a pages entry, and where its contents go. */
interface Run {
  /** In pages. */
  readonly at: number;
  readonly count: number;
  /** The pages image, by its number. */
  readonly to: number;
  /** Where in that, in pages. */
  readonly toAt: number;
}

/** Takes the content of a second reading of an archive, and writes its images, of mode 0600, to a directory. */
export class Extraction implements ContentListener, Disposable {
  readonly #dir: string;
  readonly #pageBytes: number;
  readonly #runs = new Map<number, Run[]>();
  #image: Deno.FsFile | undefined;
  #pages: Deno.FsFile | undefined;
  #pagesId = 0;
  #current: readonly Run[] = [];
  #next = 0;
  /** Bytes of the pages entry that passed. */
  #passed = 0;

  /**
   * @param dir An empty directory.
   * @param memory As the first reading found it.
   * @throws Deno.errors.*; PhaulError `archive-damaged` when a page is in two places
   */
  constructor(dir: string, memory: ReadonlyMap<string, Pieces>, pageBytes: number) {
    this.#dir = dir;
    this.#pageBytes = pageBytes;
    let id = 0;
    for (const [name, pieces] of memory) this.#plan(name, pieces, ++id);
    for (const runs of this.#runs.values()) sortApart(runs);
  }

  begin(entry: Parameters<ContentListener["begin"]>[0]): void {
    if (entry.kind === "image") {
      this.#image = Deno.openSync(`${this.#dir}/${entry.name}`, NEW);
    } else {
      this.#current = this.#runs.get(entry.id) ?? [];
      this.#next = 0;
      this.#passed = 0;
    }
  }

  content(bytes: Uint8Array): void {
    if (this.#image) writeAll(this.#image, bytes);
    else this.#scatter(bytes);
  }

  end(): void {
    this.#image?.close();
    this.#image = undefined;
  }

  /** Lets go of what is open. */
  [Symbol.dispose](): void {
    this.end();
    this.#pages?.close();
    this.#pages = undefined;
  }

  #plan(name: string, pieces: Pieces, id: number): void {
    const pagemap = new PagemapWriter(id, this.#pageBytes);
    let toAt = 0;
    for (const { page, count, file, at } of pieces) {
      pagemap.add(page, count, PageFlag.PRESENT);
      const runs = this.#runs.get(file) ?? [];
      runs.push({ at, count, to: id, toAt });
      this.#runs.set(file, runs);
      toAt += count;
    }
    Deno.writeFileSync(`${this.#dir}/${name}`, pagemap.finish(), { createNew: true, mode: 0o600 });
    Deno.openSync(this.#pathOf(id), NEW).close();
  }

  /** What of `bytes` is the newest version of a page goes to its place; all else is left out. */
  #scatter(bytes: Uint8Array): void {
    const start = this.#passed;
    const end = this.#passed += bytes.length;
    for (let run = this.#current[this.#next]; run; run = this.#current[++this.#next]) {
      const [from, until] = [run.at * this.#pageBytes, (run.at + run.count) * this.#pageBytes];
      if (from >= end) return;
      const first = Math.max(from, start);
      const part = bytes.subarray(first - start, Math.min(until, end) - start);
      this.#write(run.to, run.toAt * this.#pageBytes + first - from, part);
      if (until > end) return;
    }
  }

  #write(id: number, offset: number, bytes: Uint8Array): void {
    if (this.#pagesId !== id || !this.#pages) {
      this.#pages?.close();
      this.#pages = Deno.openSync(this.#pathOf(id), { write: true });
      this.#pagesId = id;
    }
    this.#pages.seekSync(offset, Deno.SeekMode.Start);
    writeAll(this.#pages, bytes);
  }

  #pathOf(id: number): string {
    return `${this.#dir}/pages-${id}.img`;
  }
}

const NEW = { write: true, createNew: true, mode: 0o600 } as const;

function sortApart(runs: Run[]): void {
  runs.sort((one, other) => one.at - other.at);
  const clash = runs.some(({ at }, index) => {
    const before = runs[index - 1];
    return before !== undefined && before.at + before.count > at;
  });
  if (clash) throw damaged("an index in it has a page in two places");
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}
