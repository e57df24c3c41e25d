/**
 * One stream of late pages, on the source: gives what is asked for, and then everything.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import type { LateRange, LeftPages, WaitFigures } from "../pages/mod.ts";
import { type LateStream, maxLatePages } from "../wire/mod.ts";
import { PAGE_BYTES } from "./admission.ts";

/** So many pages may be under way in the background while somebody waits for others: 1 MiB. */
const URGENT_WINDOW = 256;
/** And while nobody does: 8 MiB. */
const WINDOW = 2048;
/** Somebody is taken to wait for that long after the last one did. */
const URGENT_MS = 1000;

/** One stream of late pages; whoever made it closes it. */
export class LateSession {
  readonly #stream: LateStream;
  readonly #left: LeftPages;
  readonly #close: () => void;
  readonly #ended = Promise.withResolvers<PhaulError | undefined>();
  readonly #buffer = new Uint8Array(maxLatePages * PAGE_BYTES);
  readonly #wanted: LateRange[] = [];
  readonly #missing: LateRange[] = [];
  /** 1 for each page that has gone over this stream. */
  #gone = new Uint8Array();
  #news = Promise.withResolvers<void>();
  #over = false;
  #everything = false;
  #wantedAt = -URGENT_MS;
  #sent = 0;
  #taken = 0;
  /** The destination has said all that it lacks. */
  listed = false;
  pagesLeft = 0;
  waited: WaitFigures = { count: 0, medianUs: 0, p99Us: 0 };

  constructor(stream: LateStream, left: LeftPages, close: () => void) {
    this.#stream = stream;
    this.#left = left;
    this.#close = close;
  }

  /** Begins to give what is asked for; from here on it is known what was left. */
  serve(): void {
    this.#gone = new Uint8Array(this.#left.count);
    void this.#listen().catch((error) => this.#end(asPhaulError(error)));
    void this.#give().catch((error) => this.#end(asPhaulError(error)));
  }

  /** Gives everything else as well. @returns why it ended too early; undefined when it did not */
  async drain(): Promise<PhaulError | undefined> {
    this.#everything = true;
    this.#news.resolve();
    return await this.#ended.promise;
  }

  close(): void {
    this.#over = true;
    this.#news.resolve();
    this.#close();
  }

  #end(reason: PhaulError | undefined): void {
    this.#ended.resolve(reason);
    this.close();
  }

  async #listen(): Promise<void> {
    for (let message = await this.#stream.next(); message; message = await this.#stream.next()) {
      switch (message.kind) {
        case "wanted":
          this.#wantedAt = performance.now();
          this.#wanted.push(message);
          break;
        case "missing":
          this.#missing.push(message);
          this.pagesLeft += message.count;
          break;
        case "named":
          this.listed = true;
          break;
        case "taken":
          this.#taken += message.count;
          this.pagesLeft = Math.max(0, this.pagesLeft - message.count);
          break;
        case "waited":
          this.waited = message;
          break;
        case "complete":
          return this.#end(undefined);
        case "pages":
          throw new PhaulError("protocol", "Cannot take pages from where they are to go");
      }
      this.#news.resolve();
    }
    throw new PhaulError("peer-lost", "The destination closed the stream of late pages");
  }

  async #give(): Promise<void> {
    while (!this.#over) {
      const range = this.#next();
      if (range) await this.#send(range);
      else {
        this.#news = Promise.withResolvers();
        await this.#news.promise;
      }
    }
  }

  /** What somebody waits for comes first. */
  #next(): LateRange | undefined {
    return this.#notGone(this.#wanted) ??
      (this.#everything && this.#hasRoom ? this.#notGone(this.#missing) : undefined);
  }

  get #hasRoom(): boolean {
    const urgent = performance.now() - this.#wantedAt < URGENT_MS;
    return this.#sent - this.#taken < (urgent ? URGENT_WINDOW : WINDOW);
  }

  /** Takes from `ranges` what comes next and has not gone over this stream. */
  #notGone(ranges: LateRange[]): LateRange | undefined {
    for (let range = ranges[0]; range; range = ranges[0]) {
      const { first, count } = range;
      const skipped = this.#gone.subarray(first, first + count).indexOf(0);
      if (skipped === -1) {
        ranges.shift();
        continue;
      }
      const left = { first: first + skipped, count: count - skipped };
      // What has gone is not to be looked at again.
      ranges[0] = left;
      const rest = this.#gone.subarray(left.first, left.first + Math.min(left.count, maxLatePages));
      const end = rest.indexOf(1);
      return { first: left.first, count: end === -1 ? rest.length : end };
    }
    return undefined;
  }

  async #send(range: LateRange): Promise<void> {
    const pages = this.#left.read(range, this.#buffer);
    const { first } = range;
    this.#gone.fill(1, first, first + pages);
    this.#sent += pages;
    const bytes = this.#buffer.subarray(0, pages * PAGE_BYTES);
    await this.#stream.send({ kind: "pages", first, bytes });
  }
}
