/**
 * What a destination takes in: the pages of each iteration and, with the last one, the other images.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { LateStore, PageCache, writeFlatImages } from "../pages/mod.ts";
import {
  type ByteStream,
  type ImageTotals,
  ImpatientStream,
  type IterationStartedReply,
  type PrepareRequest,
  receiveImages,
  type StartIterationRequest,
  type StopIterationRequest,
} from "../wire/mod.ts";
import { PAGE_BYTES } from "./admission.ts";
import type { Admission, DestinationParts } from "./destination_parts.ts";
import { PROGRESS_MS } from "./events.ts";
import { imageSink } from "./images.ts";
import type { LateIntake } from "./late_intake.ts";
import { lazyDir, type LazySource } from "./lazy_memory.ts";
import { PageHash } from "./page_hash.ts";
import { acceptPacking } from "./packing.ts";
import { PageRelay, type RelayFigures } from "./relay.ts";
import { PhaulServer } from "./server.ts";
import { syncFiles } from "./work_dir.ts";

/** What no tree comes near. The bytes that there is room for are the share's matter. */
const IMAGE_LIMITS = { maxImages: 100_000, maxTotalBytes: 2 ** 50 };

/** What an intake is made of. */
export interface IntakeParts
  extends
    Admission,
    Pick<DestinationParts, "migration" | "admitted" | "options" | "workDir" | "sink" | "tickets"> {
  /** Where pages go that come late, if any may. */
  readonly late?: LateIntake;
  /** Called whenever something that came in cannot be used; maybe more than once. */
  readonly onFailure: (error: PhaulError) => void;
}

/** The data connections of one migration and where their contents go. */
export class Intake implements Disposable {
  readonly #parts: IntakeParts;
  readonly #cache: PageCache;
  readonly #relay: PageRelay;
  readonly #server: PhaulServer;
  #last: StartIterationRequest | undefined;
  #imageStream: ImpatientStream | undefined;
  #starting: Promise<void> | undefined;
  #aborted: PhaulError | undefined;
  #ticker: number | undefined;
  #images: Promise<ImageTotals> | undefined;

  private constructor(parts: IntakeParts, hash: PageHash) {
    this.#parts = parts;
    this.#cache = new PageCache(PAGE_BYTES, parts.late !== undefined);
    const admit = (bytes: number) => parts.share.take(bytes);
    this.#relay = new PageRelay(this.#cache.channel, hash, "incoming", { admit });
    this.#server = new PhaulServer({ workDir: parts.workDir.path, sink: this.#cache });
    this.#relay.failed.catch((error) => parts.onFailure(asPhaulError(error)));
  }

  /** Gets ready, and makes nothing yet. */
  static async open(parts: IntakeParts): Promise<Intake> {
    return new Intake(parts, await PageHash.make());
  }

  /** Where the last iteration's images lie. */
  get imagesDir(): string {
    return this.#server.lastImagesDir;
  }

  /** Bytes of pages that came in, over all iterations. */
  get totalBytes(): number {
    return this.#relay.totalBytes;
  }

  /**
   * Takes note that an iteration begins; comes before anything is made for it, or a peer could have
   * that made any number of times at once.
   *
   * @throws PhaulError `protocol` for one that is not the next
   */
  expect(request: StartIterationRequest): void {
    const { iteration } = request;
    const { iteration: before = 0, final: over = false } = this.#last ?? {};
    if (over || iteration !== before + 1) {
      const after = over ? "the final one" : `number ${before}`;
      throw new PhaulError("protocol", `Cannot start iteration ${iteration} after ${after}`);
    }
    this.#last = request;
  }

  /** Gets ready for an iteration and hands out the tickets for its streams. */
  async start(request: StartIterationRequest): Promise<IterationStartedReply> {
    const { tickets, onFailure } = this.#parts;
    const { terms, unpacked } = await acceptPacking(request);
    const direct = await this.#parts.direct?.stream(this.#parts.options.timeouts.connectMs);
    if (this.#aborted) throw this.#aborted;
    this.#starting = this.#server.startIter();
    await this.#starting;
    if (this.#aborted) throw this.#aborted;
    this.#server.failed.catch((error) => onFailure(asPhaulError(error)));
    const begin = (stream: ByteStream) =>
      this.#relay.begin(stream, { shared: direct !== undefined });
    if (direct) begin(direct);
    const pagesTicket = direct
      ? undefined
      : tickets.issue("pages", (stream) => begin(unpacked(stream)));
    const imagesTicket = request.final
      ? tickets.issue("images", (stream) => this.#receiveImages(stream))
      : undefined;
    this.#ticker = setInterval(() => this.#tellProgress(this.#relay), PROGRESS_MS);
    return { type: "iteration-started", pagesTicket, imagesTicket, ...terms };
  }

  /**
   * Ends an iteration once all of it lies in its images.
   *
   * @throws PhaulError `page-stream` when the source sent something else than what came
   */
  async stop({ iteration, pageBytes, pageHash }: StopIterationRequest): Promise<RelayFigures> {
    const { direct } = this.#parts;
    const figures = await this.#relay.end();
    clearInterval(this.#ticker);
    if (this.#last?.final) direct?.[Symbol.dispose]();
    // Of pages that come directly the source has seen none.
    if (!direct && (figures.hash !== pageHash || figures.bytes !== pageBytes)) {
      throw new PhaulError(
        "page-stream",
        `Cannot use iteration ${iteration}: what came (${figures.bytes} bytes) is not what was ` +
          `sent (${pageBytes ?? "unknown"} bytes)`,
      );
    }
    await this.#server.stopIter();
    if (this.#last?.final) await this.#expectLate();
    if (this.#parts.admitted.durable) await syncFiles(this.imagesDir);
    this.#tellProgress(figures);
    return figures;
  }

  /**
   * Resolves when all images lie beside the last iteration's pages.
   *
   * @throws PhaulError `protocol` when the source announced other images; `stalled`
   */
  async complete({ imageCount, imageBytes }: PrepareRequest): Promise<void> {
    // The source sent all of them before it asked.
    this.#imageStream?.hurry();
    const totals = await this.#images;
    if (totals?.imageCount === imageCount && totals.imageBytes === imageBytes) return;
    throw new PhaulError("protocol", "Cannot restore: the images did not come in full");
  }

  /**
   * Makes the images ready for a lazy restore.
   *
   * @throws PhaulError `no-space`, `protocol`
   */
  lazySource(): LazySource {
    const taken = this.#cache.last;
    if (!taken) throw new PhaulError("protocol", "Cannot restore: no pages have come");
    const dir = lazyDir(this.#parts.workDir.path);
    Deno.mkdirSync(dir, { mode: 0o700 });
    const tasks = writeFlatImages({
      taken,
      dir,
      pageBytes: PAGE_BYTES,
      nextPagesId: () => this.#cache.newPagesId(dir),
      pathOf: (id) => this.#cache.pathOf(id),
    });
    const { late } = this.#parts;
    const files = this.#cache.pagesFiles.map((file) => {
      const latePath = late?.maps.get(file.id);
      return { ...file, ...(latePath === undefined ? {} : { latePath }) };
    });
    return { dir, pageBytes: PAGE_BYTES, tasks, files, ...(late?.missing ? { late } : {}) };
  }

  /** Ends all that is under way; images stay where they are. */
  async abort(reason: PhaulError): Promise<void> {
    this.#aborted = reason;
    clearInterval(this.#ticker);
    this.#parts.direct?.abort(reason);
    this.#parts.tickets.revoke();
    this.#imageStream?.close();
    this.#relay.abort(reason);
    await this.#server.abort();
    // What was just beginning is there only now; it would go on writing where everything is removed.
    await this.#images?.catch(() => {});
    await this.#starting?.catch(() => {});
    await this.#server.abort();
  }

  /** Lets go of the streams. */
  [Symbol.dispose](): void {
    clearInterval(this.#ticker);
    this.#relay[Symbol.dispose]();
    this.#parts.direct?.[Symbol.dispose]();
    this.#cache.channel.shutdown();
  }

  /** @throws PhaulError `no-space`: it has to fit before the tree depends on it */
  async #expectLate(): Promise<void> {
    const runs = this.#cache.last?.late ?? [];
    await this.#parts.share.take(runs.reduce((sum, { count }) => sum + count, 0) * PAGE_BYTES);
    this.#parts.late?.begin(LateStore.make(this.imagesDir, PAGE_BYTES, runs));
  }

  #tellProgress({ pages: pagesWritten, bytes }: Pick<RelayFigures, "pages" | "bytes">): void {
    const { migration, sink } = this.#parts;
    const { iteration = 0 } = this.#last ?? {};
    sink({ event: "progress", migration, iteration, pagesWritten, bytes });
  }

  #receiveImages(connection: ByteStream): void {
    const dir = this.imagesDir;
    const stream = this.#imageStream = new ImpatientStream(
      connection,
      this.#parts.options.timeouts.stallMs,
    );
    this.#images = receiveImages(stream, {
      openFile: async (name, size) => {
        await this.#parts.share.take(size);
        return imageSink(dir, name);
      },
      limits: IMAGE_LIMITS,
    }).finally(() => stream.close());
    this.#images.catch((error) => this.#parts.onFailure(asPhaulError(error)));
  }
}
