/**
 * How a source's pages and images get into an archive: each iteration's as soon as it is over, so that
 * the tree stands still only for what it has written since the last one.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { type ArchiveWriter, Entry } from "../archive/mod.ts";
import { PageStreamParser } from "../criu/mod.ts";
import {
  AnswerQueue,
  IterationTaker,
  pagesBuffer,
  type Pieces,
  ReplayedPages,
  type TakenIteration,
} from "../pages/mod.ts";
import type { ByteStream, PrepareRequest } from "../wire/mod.ts";
import { PAGE_BYTES } from "./admission.ts";
import type { ArchivePeer } from "./archive_peer.ts";
import { iterationDir } from "./client.ts";
import type { IterationTraffic } from "./config.ts";
import { PROGRESS_MS } from "./events.ts";
import { imagesOf } from "./images.ts";
import { PageHash } from "./page_hash.ts";
import type { PageWay, WayParts } from "./page_way.ts";
import { type PagePath, PageRelay } from "./relay.ts";
import type { ProgressListener, SourceRemote } from "./wire_remote.ts";
import { makeImagesDir } from "./work_dir.ts";

/** Opens the way into the archive of `peer`. */
export async function openArchiveWay(
  peer: ArchivePeer | undefined,
  { channel, workDir, onProgress }: Pick<WayParts, "channel" | "workDir" | "onProgress">,
): Promise<PageWay> {
  if (!peer) throw new PhaulError("internal", "Cannot send pages to nobody");
  using stack = new DisposableStack();
  const replayed = channel ? undefined : new ReplayedPages(PAGE_BYTES);
  if (replayed) stack.defer(() => replayed.shutdown());
  const relay = stack.use(
    new PageRelay(channel ?? replayed ?? closed(), await PageHash.make(), "outgoing"),
  );
  const remote = stack.use(new ArchiveRemote(relay, workDir, onProgress));
  const writer = peer.endBy((_, request) => remote.finish(request));
  remote.writeTo(writer);
  const owned = stack.move();
  return {
    ...(channel ? { memory: channel.criuEnd } : {}),
    ...(replayed ? { replay: (dir: string) => replayed.play(dir) } : {}),
    pages: new ArchivePath(relay, writer),
    remote,
    [Symbol.dispose]: () => owned.dispose(),
  };
}

function closed(): never {
  throw new PhaulError("internal", "Cannot take pages from nobody");
}

/** What a watchdog sees of it: an archive grows, and is read back, also when no page comes. */
class ArchivePath implements PagePath {
  readonly #relay: PageRelay;
  readonly #writer: ArchiveWriter;

  constructor(relay: PageRelay, writer: ArchiveWriter) {
    this.#relay = relay;
    this.#writer = writer;
  }

  get failed(): Promise<never> {
    return this.#relay.failed;
  }

  get totalBytes(): number {
    return this.#relay.totalBytes + this.#writer.bytes;
  }

  abort(error: PhaulError): void {
    this.#writer.stop(error);
    this.#relay.abort(error);
  }
}

/** Takes iterations in, in memory, and hands each over to the archive. */
class ArchiveRemote implements SourceRemote {
  readonly starting = false;
  readonly #relay: PageRelay;
  readonly #workDir: string;
  readonly #onProgress: ProgressListener;
  readonly #buffer = pagesBuffer();
  #writer: ArchiveWriter | undefined;
  #taker: IterationTaker | undefined;
  #taken: TakenIteration | undefined;
  #traffic: IterationTraffic | undefined;
  #iteration = 0;
  #lastPagesId = 0;
  #archivedPagesId = 0;
  #ticker: number | undefined;

  constructor(relay: PageRelay, workDir: string, onProgress: ProgressListener) {
    this.#relay = relay;
    this.#workDir = workDir;
    this.#onProgress = onProgress;
  }

  /** Images are read from where CRIU has put them: this only keeps them from being sent anywhere. */
  readonly images: ByteStream = {
    peer: "the archive",
    read: () => Promise.resolve(null),
    write: () => Promise.resolve(),
    closeWrite: () => Promise.resolve(),
    close: () => {},
  };

  writeTo(writer: ArchiveWriter): void {
    this.#writer = writer;
  }

  async startIter({ iteration }: { iteration: number }): Promise<void> {
    this.#iteration = iteration;
    this.#traffic = undefined;
    const dir = this.#dirOf(iteration);
    await makeImagesDir(dir);
    const answers = new AnswerQueue();
    this.#taker = new IterationTaker({
      dir,
      pageBytes: PAGE_BYTES,
      late: false,
      before: this.#taken,
      nextPagesId: () => ++this.#lastPagesId,
      buffer: this.#buffer,
      answer: (bytes) => answers.put(bytes),
    });
    this.#relay.begin(streamBetween(answers, new PageStreamParser(PAGE_BYTES, this.#taker)));
    this.#ticker = setInterval(() => {
      const { pages, bytes } = this.#relay;
      if (pages > 0) this.#onProgress(iteration, { pages, bytes });
    }, PROGRESS_MS);
  }

  async stopIter(): Promise<IterationTraffic> {
    return this.#traffic ??= await this.#stop();
  }

  abort(): Promise<void> {
    this[Symbol.dispose]();
    return Promise.resolve();
  }

  /** Adds what only the final dump has, and ends the archive. */
  async finish(request: PrepareRequest): Promise<void> {
    const writer = this.#open;
    for (const { name, size, content } of imagesOf(this.#finalDir, () => {})) {
      await writer.add(Entry.image(name), size, eachOf(content));
    }
    const memory = new Map<string, Pieces>();
    for (const [name, { pieces }] of this.#taken?.images ?? []) memory.set(name, pieces);
    await writer.finish(request, memory);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#ticker);
    this.#taker?.[Symbol.dispose]();
  }

  async #stop(): Promise<IterationTraffic> {
    const { pages, bytes } = await this.#relay.end();
    clearInterval(this.#ticker);
    using taker = this.#taker;
    if (!taker?.taken) {
      throw new PhaulError("page-stream", "Cannot use pages that did not all come");
    }
    this.#taken = taker.taken;
    for (const id of this.#newPages()) {
      const path = `${taker.taken.dir}/pages-${id}.img`;
      await this.#open.addPages(id, path);
      // Where its pages are is known; they themselves are in the archive.
      await Deno.remove(path);
      this.#archivedPagesId = id;
    }
    await this.#open.sync();
    return { pages, bytes, sentBytes: bytes };
  }

  *#newPages(): Generator<number> {
    for (let id = this.#archivedPagesId + 1; id <= this.#lastPagesId; id++) yield id;
  }

  /** Beside CRIU's own, which may hold files of the same names. */
  #dirOf(iteration: number): string {
    return `${iterationDir(this.#workDir, iteration)}-pages`;
  }

  get #finalDir(): string {
    return iterationDir(this.#workDir, this.#iteration);
  }

  get #open(): ArchiveWriter {
    if (!this.#writer) throw new PhaulError("internal", "Cannot write to no archive");
    return this.#writer;
  }
}

async function* eachOf(
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* content;
}

/** A stream whose bytes `parser` gets, and out of which the answers to the CRIU that dumps come. */
function streamBetween(answers: AnswerQueue, parser: PageStreamParser): ByteStream {
  return {
    peer: "the archive",
    read: (into) => answers.read(into),
    write: (bytes) => Promise.try(() => parser.feed(bytes)),
    closeWrite: () => Promise.resolve(answers.end()),
    close: () => answers.end(),
  };
}
