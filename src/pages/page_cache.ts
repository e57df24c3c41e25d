/**
 * The page cache: a destination that takes the pages in itself.
 *
 * It speaks the page server's part of CRIU's protocol and leaves the images that CRIU's page server would
 * leave, whatever the version of the CRIU that sends, so that they can be restored from as ever. And it
 * knows where the newest version of each page lies: what a lazy restore is served from.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { type PageSink, PageStreamParser, type SinkIteration } from "../criu/mod.ts";
import { isFull, noSpace } from "../proc/mod.ts";
import { AnswerQueue } from "./answer_queue.ts";
import { IterationTaker, type TakenIteration } from "./iteration.ts";
import { pagesBuffer } from "./pages_file.ts";

/** The source's CRIU's other end: what it would write to a page server, and would read from it. */
export interface PageEnd {
  /** @returns how many bytes were taken, always all */
  write(bytes: Uint8Array): Promise<number>;
  /** @returns how many bytes were put into `buffer`; null when it is shut down */
  read(buffer: Uint8Array): Promise<number | null>;
}

/** Takes pages in without any criu. */
export class PageCache implements PageSink {
  readonly #pageBytes: number;
  readonly #late: boolean;
  readonly #buffer = pagesBuffer();
  readonly #answers = new AnswerQueue();
  #parser: PageStreamParser | undefined;
  #taker: IterationTaker | undefined;
  #last: TakenIteration | undefined;
  /** Where each pages file lies, by its number less 1. */
  readonly #pagesDirs: string[] = [];

  /**
   * @param pageBytes The size of a page, on both hosts.
   * @param late Pages may stay in the source's tree, and come late.
   */
  constructor(pageBytes: number, late: boolean = false) {
    this.#pageBytes = pageBytes;
    this.#late = late;
  }

  /** In place of a page channel. */
  readonly channel: { readonly conn: PageEnd; shutdown(): void } = {
    conn: {
      write: (bytes) => this.#write(bytes),
      read: (buffer) => this.#answers.read(buffer),
    },
    shutdown: () => this.#answers.end(),
  };

  /** The last iteration that came in whole. */
  get last(): TakenIteration | undefined {
    return this.#last;
  }

  /** Every pages file, by its number, with where it lies. */
  get pagesFiles(): { readonly id: number; readonly path: string }[] {
    return this.#pagesDirs.map((_, index) => ({ id: index + 1, path: this.pathOf(index + 1) }));
  }

  /** Where a pages file lies. */
  pathOf(id: number): string {
    return `${this.#pagesDirs[id - 1]}/pages-${id}.img`;
  }

  /** The number of a new pages file, which is to lie in `dir`; no other of this migration has it. */
  newPagesId(dir: string): number {
    return this.#pagesDirs.push(dir);
  }

  /** Failures come out of the channel; there is nothing else that could fail. */
  readonly failed: Promise<never> = new Promise<never>(() => {});

  /** @throws Deno.errors.*; PhaulError `internal` while an iteration is under way */
  begin({ imagesDir, parentImg }: SinkIteration): Promise<void> {
    if (this.#taker) {
      throw new PhaulError("internal", "Cannot take pages in: the iteration before did not end");
    }
    // Where CRIU looks for the pages that the pagemaps say an earlier iteration has.
    if (parentImg !== undefined) Deno.symlinkSync(parentImg, `${imagesDir}/parent`);
    this.#taker = new IterationTaker({
      dir: imagesDir,
      pageBytes: this.#pageBytes,
      late: this.#late,
      before: this.#last,
      nextPagesId: () => this.newPagesId(imagesDir),
      buffer: this.#buffer,
      answer: (bytes) => this.#answers.put(bytes),
    });
    this.#parser = new PageStreamParser(this.#pageBytes, this.#taker);
    return Promise.resolve();
  }

  /** @throws PhaulError `page-stream` */
  end(): Promise<void> {
    using taker = this.#taker;
    this.#taker = undefined;
    if (!taker) return Promise.resolve();
    if (!taker.taken) throw new PhaulError("page-stream", "Cannot use pages that did not all come");
    this.#last = taker.taken;
    return Promise.resolve();
  }

  abort(): Promise<void> {
    this.#taker?.[Symbol.dispose]();
    this.#taker = undefined;
    this.#parser = undefined;
    this.#answers.forget();
    return Promise.resolve();
  }

  #write(bytes: Uint8Array): Promise<number> {
    if (!this.#taker || !this.#parser) {
      throw new PhaulError("page-stream", "Cannot take pages in: no iteration is under way");
    }
    try {
      this.#parser.feed(bytes);
    } catch (cause) {
      throw isFull(cause) ? noSpace("pages", "--work-dir", cause) : cause;
    }
    return Promise.resolve(bytes.length);
  }
}
