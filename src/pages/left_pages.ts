/**
 * The pages that a dump has left in the tree, on the source: where they are, and what is in them as long as
 * the tree stands still.
 *
 * Phaul's own file: rows of three 64-bit floats in native order (pid in the innermost namespace, page,
 * count), in the order in which the dump told of them, which is the order of their numbers.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { PageImage, PageRun, PageStreamListener } from "../criu/mod.ts";
import type { LateRange } from "./late_store.ts";
import { Numbering } from "./numbering.ts";

const COLUMNS = 3;
const INDEX = "left.idx";

interface LeftRun {
  readonly pid: number;
  readonly page: number;
  readonly count: number;
}

/** Takes down what a page stream says that it leaves out; then reads it. */
export class LeftPages implements PageStreamListener, Disposable {
  readonly #pageBytes: number;
  readonly #runs: LeftRun[] = [];
  readonly #numbers = new Numbering();
  #image: PageImage | undefined;
  #pids: ReadonlyMap<number, number> = new Map();
  readonly #memories = new Map<number, Deno.FsFile>();

  /** @param pageBytes The size of a page. */
  constructor(pageBytes: number) {
    this.#pageBytes = pageBytes;
  }

  /**
   * What another phaul has written down.
   *
   * @throws Deno.errors.*
   */
  static read(dir: string, pageBytes: number): LeftPages {
    const left = new LeftPages(pageBytes);
    const rows = new Float64Array(Deno.readFileSync(`${dir}/${INDEX}`).buffer);
    for (let row = 0; row < rows.length; row += COLUMNS) {
      const [pid = 0, page = 0, count = 0] = rows.subarray(row, row + COLUMNS);
      left.#add({ pid, page, count });
    }
    return left;
  }

  /** Pages that were left in the tree. */
  get count(): number {
    return this.#numbers.count;
  }

  /**
   * Writes down what was left, for a phaul that comes after this one.
   *
   * @throws Deno.errors.*
   */
  write(dir: string): void {
    const rows = new Float64Array(this.#runs.length * COLUMNS);
    this.#runs.forEach(({ pid, page, count }, index) => {
      rows.set([pid, page, count], index * COLUMNS);
    });
    Deno.writeFileSync(`${dir}/${INDEX}`, new Uint8Array(rows.buffer), { mode: 0o600 });
  }

  /**
   * Opens the memory of the tree, which has to stand still from its dump on.
   *
   * @param pids Each task's pid as this host sees it, by that in its innermost namespace.
   * @throws PhaulError `no-such-process`
   */
  open(pids: ReadonlyMap<number, number>): void {
    this.#pids = pids;
    // Now, and not when they are wanted: a descriptor stays that memory's, whoever gets the pid.
    for (const pid of new Set(this.#runs.map(({ pid }) => pid))) this.#memoryOf(pid);
  }

  /**
   * Reads pages from number `first` on into `into`, as many as lie in one run, fit and are asked for.
   *
   * @returns how many were read
   * @throws PhaulError `no-such-process` when the tree is gone, `protocol` when there are no such pages
   */
  read({ first, count }: LateRange, into: Uint8Array): number {
    const index = this.#numbers.runWith(first);
    const run = this.#runs[index];
    if (!run || first >= this.#numbers.count || first < 0) {
      throw new PhaulError("protocol", `Cannot read late page ${first}: there is none`);
    }
    const skipped = first - this.#numbers.firstOf(index);
    const room = Math.floor(into.length / this.#pageBytes);
    const pages = Math.min(count, run.count - skipped, room);
    const memory = this.#memoryOf(run.pid);
    const part = into.subarray(0, pages * this.#pageBytes);
    memory.seekSync((run.page + skipped) * this.#pageBytes, Deno.SeekMode.Start);
    for (let done = 0; done < part.length;) {
      const read = memory.readSync(part.subarray(done));
      if (!read) throw gone(run.pid);
      done += read;
    }
    return pages;
  }

  opened(image: PageImage): void {
    this.#image = image;
  }

  asked(): void {}

  run({ page, count, present, parent, lazy }: PageRun): void {
    if (present || parent || !lazy || this.#image?.kind !== "task") return;
    this.#add({ pid: this.#image.id, page, count });
  }

  contents(): void {}

  closed(): void {}

  /** Lets go of the tree's memory. */
  [Symbol.dispose](): void {
    for (const memory of this.#memories.values()) memory.close();
    this.#memories.clear();
  }

  #add(run: LeftRun): void {
    if (run.count === 0) return;
    this.#runs.push(run);
    this.#numbers.add(run.count);
  }

  #memoryOf(pid: number): Deno.FsFile {
    const open = this.#memories.get(pid);
    if (open) return open;
    const hostPid = this.#pids.get(pid);
    try {
      if (hostPid === undefined) throw gone(pid);
      const memory = Deno.openSync(`/proc/${hostPid}/mem`);
      this.#memories.set(pid, memory);
      return memory;
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) throw gone(pid, cause);
      throw cause;
    }
  }
}

function gone(pid: number, cause?: unknown): PhaulError {
  return new PhaulError(
    "no-such-process",
    `Cannot read the memory of process ${pid}: it is gone from the source`,
    {
      cause,
      remedy: "What its copy has not got yet is lost: end the copy on the destination (kill -KILL)",
    },
  );
}
