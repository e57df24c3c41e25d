/**
 * Late pages: those that stayed in the source's tree when it was dumped. Each has its place in a pages file,
 * a hole until it comes; a map beside that file says which have not come. Whoever fills memory in looks at
 * the map first, and so does a phaul that comes after one that died.
 *
 * Phaul's own files: `late.idx`, rows of three 64-bit floats in native order (number of the pages file, place
 * in it in pages, count), in the order in which the dump told of them; `late-N.map`, a byte for each page of
 * `pages-N.img`, 1 as long as it is missing.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { Mapping, openFile } from "../sys/mod.ts";
import { Numbering } from "./numbering.ts";

const COLUMNS = 3;
const INDEX = "late.idx";
/** Of a page that has not come. */
export const MISSING = 1;

/** Consecutive places of one pages file, whose contents come late. */
export interface LateRun {
  /** The pages file, by its number in `pages-N.img`. */
  readonly file: number;
  /** Where in that file, in pages. */
  readonly at: number;
  readonly count: number;
}

/** Late pages by their numbers: from 0, in the order of all runs. */
export interface LateRange {
  readonly first: number;
  readonly count: number;
}

interface LateFile {
  readonly pages: Deno.FsFile;
  readonly map: Mapping;
}

/** The late pages of one iteration, whose images lie in one directory. */
export class LateStore implements Disposable {
  readonly #dir: string;
  readonly #pageBytes: number;
  readonly #runs: readonly LateRun[];
  readonly #numbers = new Numbering();
  readonly #files = new Map<number, LateFile>();
  readonly #owned = new DisposableStack();
  #missing = 0;

  private constructor(dir: string, pageBytes: number, runs: readonly LateRun[]) {
    this.#dir = dir;
    this.#pageBytes = pageBytes;
    this.#runs = runs;
    for (const { count } of runs) this.#numbers.add(count);
    try {
      for (const file of new Set(runs.map(({ file }) => file))) this.#open(file);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
    for (const { map } of this.#files.values()) {
      for (const byte of map.bytes()) if (byte === MISSING) this.#missing++;
    }
  }

  /**
   * Writes down what is missing in the pages files in `dir`.
   *
   * @throws Deno.errors.*, SyscallError
   */
  static make(dir: string, pageBytes: number, runs: readonly LateRun[]): LateStore {
    const rows = new Float64Array(runs.length * COLUMNS);
    const lengths = new Map<number, number>();
    for (const { file, at, count } of runs) {
      lengths.set(file, Math.max(lengths.get(file) ?? 0, at + count));
    }
    const maps = new Map(lengths.entries().map(([file, length]) => [file, new Uint8Array(length)]));
    runs.forEach(({ file, at, count }, index) => {
      rows.set([file, at, count], index * COLUMNS);
      maps.get(file)?.fill(MISSING, at, at + count);
    });
    for (const [file, map] of maps) write(lateMapPath(dir, file), map);
    write(`${dir}/${INDEX}`, new Uint8Array(rows.buffer));
    return new LateStore(dir, pageBytes, runs);
  }

  /**
   * Opens what another phaul has made.
   *
   * @returns undefined when no page of that iteration comes late
   * @throws Deno.errors.*, SyscallError
   */
  static find(dir: string, pageBytes: number): LateStore | undefined {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = Deno.readFileSync(`${dir}/${INDEX}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    const rows = new Float64Array(bytes.buffer);
    const runs = Array.from({ length: rows.length / COLUMNS }, (_, index) => {
      const [file = 0, at = 0, count = 0] = rows.subarray(index * COLUMNS);
      return { file, at, count };
    });
    return new LateStore(dir, pageBytes, runs);
  }

  /** All late pages. */
  get count(): number {
    return this.#numbers.count;
  }

  /** Pages that have not come. */
  get missing(): number {
    return this.#missing;
  }

  /** The path of each pages file's map. */
  get maps(): ReadonlyMap<number, string> {
    return new Map([...this.#files.keys()].map((file) => [file, lateMapPath(this.#dir, file)]));
  }

  /** What has not come, ascending. */
  *ranges(): Generator<LateRange> {
    let open: LateRange | undefined;
    for (const [index, { file, at, count }] of this.#runs.entries()) {
      const first = this.#numbers.firstOf(index);
      const map = this.#file(file).map.bytes().subarray(at, at + count);
      for (let from = map.indexOf(MISSING); from !== -1;) {
        const there = map.indexOf(0, from);
        const to = there === -1 ? count : there;
        if (open && open.first + open.count === first + from) {
          open = { first: open.first, count: open.count + to - from };
        } else {
          if (open) yield open;
          open = { first: first + from, count: to - from };
        }
        from = there === -1 ? -1 : map.indexOf(MISSING, to);
      }
    }
    if (open) yield open;
  }

  /** The numbers of late pages that begin at that place; undefined where nothing comes late. */
  numbered({ file, at, count }: LateRun): LateRange | undefined {
    const index = this.#runs.findIndex((run) =>
      run.file === file && run.at <= at && at < run.at + run.count
    );
    const run = this.#runs[index];
    if (!run) return undefined;
    const first = this.#numbers.firstOf(index) + at - run.at;
    return { first, count: Math.min(count, run.at + run.count - at) };
  }

  /**
   * Takes late pages in, from number `first` on. Those that are there already are written once more: the
   * source has not changed them.
   *
   * @throws PhaulError `protocol` when there are no such pages; Deno.errors.*
   */
  take(first: number, bytes: Uint8Array): void {
    const pages = bytes.length / this.#pageBytes;
    if (
      !Number.isInteger(pages) || pages === 0 || first < 0 || first + pages > this.#numbers.count
    ) {
      throw new PhaulError("protocol", "Cannot take late pages in: there are no such pages");
    }
    let index = this.#numbers.runWith(first);
    for (let done = 0; done < pages; index++) {
      const run = this.#runs[index];
      if (!run) return;
      const skipped = first + done - this.#numbers.firstOf(index);
      const count = Math.min(run.count - skipped, pages - done);
      const part = bytes.subarray(done * this.#pageBytes, (done + count) * this.#pageBytes);
      this.#put(run.file, run.at + skipped, part);
      done += count;
    }
  }

  /** Lets go of the files. */
  [Symbol.dispose](): void {
    this.#owned[Symbol.dispose]();
  }

  #put(file: number, at: number, bytes: Uint8Array): void {
    const { pages, map } = this.#file(file);
    pages.seekSync(at * this.#pageBytes, Deno.SeekMode.Start);
    for (let done = 0; done < bytes.length;) done += pages.writeSync(bytes.subarray(done));
    const marks = map.bytes().subarray(at, at + bytes.length / this.#pageBytes);
    for (const mark of marks) if (mark === MISSING) this.#missing--;
    // Last: who sees that a page is there reads it at once.
    marks.fill(0);
  }

  #file(file: number): LateFile {
    const open = this.#files.get(file);
    if (!open) throw new TypeError(`Pages file ${file} is not open`);
    return open;
  }

  #open(file: number): void {
    const pages = Deno.openSync(`${this.#dir}/pages-${file}.img`, { write: true });
    this.#owned.defer(() => pages.close());
    const path = lateMapPath(this.#dir, file);
    using opened = openFile(path, "update");
    const map = this.#owned.use(Mapping.of(opened, Deno.statSync(path).size, "update"));
    this.#files.set(file, { pages, map });
  }
}

/** Where the map of a pages file in `dir` lies. */
export function lateMapPath(dir: string, file: number): string {
  return `${dir}/late-${file}.map`;
}

function write(path: string, bytes: Uint8Array): void {
  Deno.writeFileSync(path, bytes, { createNew: true, mode: 0o600 });
}
