/**
 * The destination's server behind the wire: phaul's own {@linkcode PhaulRemote}.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { type ByteStream, PacedStream, PackedStream } from "../wire/mod.ts";
import type { IterationTraffic, PhaulRemote } from "./config.ts";
import { PROGRESS_MS } from "./events.ts";
import type { BandwidthLimits, Compression } from "./options.ts";
import { offerPacking, packedForPeer } from "./packing.ts";
import type { Peer } from "./peer.ts";
import type { PageRelay } from "./relay.ts";

/** Told how far an iteration has come, twice a second while it flows. */
export type ProgressListener = (iteration: number, traffic: IterationTraffic) => void;

/** What a source's role has of its destination's server. */
export interface SourceRemote extends PhaulRemote, Disposable {
  /** The images stream of the final iteration; opened before anything is frozen. */
  readonly images: ByteStream | undefined;
  /** True while the destination gets ready, which its own hook may hold up; each step has a deadline. */
  readonly starting: boolean;
  stopIter(): Promise<IterationTraffic>;
}

/** What becomes of pages on their way. */
export interface PagePathOptions {
  readonly bandwidth?: BandwidthLimits;
  readonly compression?: Compression;
}

/** Starts and stops iterations on the destination and connects the page relay to it. */
export class WireRemote implements SourceRemote {
  readonly #peer: Peer;
  readonly #relay: PageRelay;
  readonly #onProgress: ProgressListener;
  readonly #bandwidth: BandwidthLimits;
  readonly #compression: Compression;
  #paced: PacedStream | undefined;
  #packed: PackedStream | undefined;
  #ticker: number | undefined;
  #iteration = 0;
  #starting = false;
  #traffic: IterationTraffic | undefined;
  #images: ByteStream | undefined;

  constructor(
    peer: Peer,
    relay: PageRelay,
    onProgress: ProgressListener,
    { bandwidth = {}, compression = "off" }: PagePathOptions = {},
  ) {
    this.#peer = peer;
    this.#relay = relay;
    this.#onProgress = onProgress;
    this.#bandwidth = bandwidth;
    this.#compression = compression;
  }

  get images(): ByteStream | undefined {
    return this.#images;
  }

  get starting(): boolean {
    return this.#starting;
  }

  async startIter(options: { iteration: number; final: boolean }): Promise<void> {
    this.#starting = true;
    try {
      await this.#start(options);
    } finally {
      this.#starting = false;
    }
  }

  async #start({ iteration, final }: { iteration: number; final: boolean }): Promise<void> {
    this.#iteration = iteration;
    this.#traffic = undefined;
    const offer = offerPacking(this.#compression);
    const request = { type: "start-iteration", iteration, final, ...offer } as const;
    const started = await this.#peer.request(request);
    const rate = final ? this.#bandwidth.final : this.#bandwidth.preCopy;
    if (!started.pagesTicket) throw noTicket();
    const link = paced(await this.#peer.open("pages", started.pagesTicket), rate);
    this.#paced = link instanceof PacedStream ? link : undefined;
    const pages = await packedForPeer(link, this.#compression, started);
    this.#packed = pages instanceof PackedStream ? pages : undefined;
    this.#relay.begin(pages);
    if (started.imagesTicket) {
      this.#images = paced(await this.#peer.open("images", started.imagesTicket), rate);
    }
    this.#ticker = setInterval(() => this.#tellProgress(), PROGRESS_MS);
  }

  async stopIter(): Promise<IterationTraffic> {
    return this.#traffic ??= await this.#stop();
  }

  abort(): Promise<void> {
    this[Symbol.dispose]();
    return Promise.resolve();
  }

  /** Ends what an iteration that was given up has left open. */
  [Symbol.dispose](): void {
    clearInterval(this.#ticker);
    this.#images?.close();
  }

  #tellProgress(): void {
    const { pages, bytes } = this.#relay;
    if (pages > 0) this.#onProgress(this.#iteration, { pages, bytes });
  }

  async #stop(): Promise<IterationTraffic> {
    const { pages, bytes, hash } = await this.#relay.end();
    clearInterval(this.#ticker);
    await this.#peer.request({
      type: "stop-iteration",
      iteration: this.#iteration,
      pageBytes: bytes,
      pageHash: hash,
    });
    const sentBytes = this.#packed?.sentBytes ?? bytes;
    return { pages, bytes, sentBytes, pacedMs: this.#paced?.waitedMs ?? 0 };
  }
}

function noTicket(): PhaulError {
  return new PhaulError("protocol", "Cannot send pages: the destination gave no ticket for them");
}

/** `stream`, or one that keeps to a rate. */
export function paced(stream: ByteStream, bytesPerSecond: number | undefined): ByteStream {
  return bytesPerSecond === undefined ? stream : new PacedStream(stream, bytesPerSecond);
}
