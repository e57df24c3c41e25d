/** The process of `faulter.c`, the images that it is filled from, and the fault server that does it. */

import { LazyIndexWriter } from "../../../src/pages/lazy_index.ts";
import { LazyPages, type LazySource } from "../../../src/pages/mod.ts";
import type { Piece } from "../../../src/pages/pieces.ts";
import { run } from "../../../tools/process.ts";
import { cachedFolder, contentKey } from "../../../vm/cache.ts";
import type { Random } from "../../fuzz/mutator.ts";

const SOURCE = new URL("./faulter.c", import.meta.url);
const PAGE_BYTES = 4096;
const MULTIPLIER = 0x9E3779B97F4A7C15n;
/** As in faulter.c. */
const PID = 77;

/** What it does. */
export interface FaulterOptions {
  readonly dir: string;
  /** In each window. */
  readonly pages: number;
  readonly threads: number;
  readonly seed: number;
  readonly steps: number;
  readonly forks: number;
}

/** The compiled program; kept in the cache. */
export async function faulterProgram(): Promise<string> {
  const source = await Deno.readTextFile(SOURCE);
  const key = await contentKey([source, Deno.build.arch]);
  const dir = await cachedFolder("faulter", key, async (dir) => {
    const args = ["-O1", "-Wall", "-pthread", "-o", `${dir}/faulter`, SOURCE.pathname];
    const { code, stderr } = await run("cc", args);
    if (code !== 0) throw new Error(`Cannot compile the faulter: ${stderr}`);
  });
  return `${dir}/faulter`;
}

/** One that waits to be told to begin. Its owner disposes of it. */
export class Faulter implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  /** The first page of each of its windows. */
  readonly windows: readonly number[];

  private constructor(child: Deno.ChildProcess, windows: readonly number[]) {
    this.#child = child;
    this.windows = windows;
  }

  static async start(options: FaulterOptions): Promise<Faulter> {
    const { dir, pages, threads, seed, steps, forks } = options;
    const child = new Deno.Command(await faulterProgram(), {
      args: [dir, ...[pages, threads, seed, steps, forks].map(String)],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    let text = "";
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream()).values()) {
      text += part;
      if (text.split("\n").length > threads) break;
    }
    return new Faulter(child, text.trim().split("\n").map(Number));
  }

  /** Lets it begin. */
  async begin(): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("\n"));
    await writer.close();
  }

  /** Its exit code: 0 when everything was right. */
  async code(): Promise<number> {
    return (await this.#child.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
  }
}

/** Pages files of two iterations, in which the contents lie here and there, and the index of it all. */
export function makeImages(
  dir: string,
  faulter: Faulter,
  pages: number,
  random: Random,
): LazySource {
  const runs = faulter.windows.flatMap((start, window) => runsOf(random, start, window, pages));
  const shuffled = runs.map((run) => ({ run, key: random.below(2 ** 30) }))
    .sort((one, other) => one.key - other.key);
  const lengths = [0, 0];
  const pieces: Piece[] = [];
  const contents: { file: number; at: number; first: number; count: number }[] = [];
  for (const { run: { page, first, count } } of shuffled) {
    const file = random.below(2);
    const at = lengths[file] ?? 0;
    lengths[file] = at + count;
    pieces.push({ page, count, lazy: true, file: file + 1, at });
    contents.push({ file, at, first, count });
  }
  const files = lengths.map((length, file) => {
    const words = new BigUint64Array(length * PAGE_BYTES / 8);
    for (const part of contents.filter((one) => one.file === file)) {
      for (let i = 0; i < part.count; i++) {
        const from = (part.at + i) * PAGE_BYTES / 8;
        const value = BigInt.asUintN(64, BigInt(part.first + i) * MULTIPLIER);
        words.fill(value, from, from + PAGE_BYTES / 8);
      }
    }
    const path = `${dir}/pages-${file + 1}.img`;
    Deno.writeFileSync(path, new Uint8Array(words.buffer));
    return { id: file + 1, path };
  });
  const indexPath = `${dir}/lazy-${PID}.idx`;
  using index = new LazyIndexWriter(indexPath);
  for (const piece of pieces.sort((one, other) => one.page - other.page)) index.add(piece);
  index.flush();
  const tasks = [{ pid: PID, indexPath, pages: index.pages }];
  return { dir, pageBytes: PAGE_BYTES, tasks, files };
}

/** Runs of pages of one window that have contents; `first` is the number that these are made of. */
function runsOf(random: Random, start: number, window: number, pages: number) {
  const runs: { page: number; first: number; count: number }[] = [];
  for (let page = 0; page < pages;) {
    const first = window * pages + page;
    const left = Math.min(8 - first % 8, pages - page);
    const count = Math.min(left, 1 + random.below(12));
    if (Math.floor(first / 8) % 5 !== 4) runs.push({ page: start + page, first, count });
    page += count;
  }
  return runs;
}

/** What a test does at some point of it. */
export interface Disturbances {
  /** Before the server is told anything. */
  readonly early?: () => Promise<void>;
  /** When the images are there, and nothing of them was used. */
  readonly ready?: () => Promise<void>;
  /** While the process runs. */
  readonly meanwhile?: (lazyPages: LazyPages) => Promise<void>;
}

/** Has the memory of one such process filled in, from the start to the end. */
export async function fillIn(
  options: FaulterOptions,
  random: Random,
  { early, ready, meanwhile }: Disturbances = {},
): Promise<{ code: number; pages: number; faults: number; wanted: number }> {
  using lazyPages = LazyPages.start(30_000);
  await early?.();
  await using faulter = await Faulter.start(options);
  const source = makeImages(options.dir, faulter, options.pages, random);
  await ready?.();
  await lazyPages.listen(source);
  const disturbing = meanwhile?.(lazyPages);
  await faulter.begin();
  const [code, figures] = await Promise.all([faulter.code(), lazyPages.drained, disturbing]);
  return { code, ...figures, wanted: source.tasks[0]?.pages ?? 0 };
}
