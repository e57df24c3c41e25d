/**
 * The destination's server, for a CRIU that sends its pages directly.
 *
 * Nothing of the stream is seen here, so nothing of it is hashed, packed, compressed or held back; the
 * destination counts what comes.
 *
 * @module
 */

import type { DirectChannel } from "../criu/mod.ts";
import type { ByteStream } from "../wire/mod.ts";
import type { IterationTraffic } from "./config.ts";
import { PAGE_BYTES } from "./admission.ts";
import type { Peer } from "./peer.ts";
import type { PagePath } from "./relay.ts";
import { PROGRESS_MS } from "./events.ts";
import type { ProgressListener, SourceRemote } from "./wire_remote.ts";

/** Starts and stops iterations on the destination; their pages pass by over `channel`, its giver's. */
export class DirectRemote implements SourceRemote, PagePath {
  /** CRIU itself says when the path breaks. */
  readonly failed: Promise<never> = new Promise<never>(() => {});

  readonly #peer: Peer;
  readonly #channel: DirectChannel;
  readonly #onProgress: ProgressListener;
  #ticker: number | undefined;
  #iteration = 0;
  #starting = false;
  #traffic: IterationTraffic | undefined;
  #images: ByteStream | undefined;

  /** @param onProgress Told of the bytes that travelled, and of about as many pages as these are. */
  constructor(peer: Peer, channel: DirectChannel, onProgress: ProgressListener) {
    this.#peer = peer;
    this.#channel = channel;
    this.#onProgress = onProgress;
  }

  get totalBytes(): number {
    return this.#channel.totalBytes;
  }

  get images(): ByteStream | undefined {
    return this.#images;
  }

  get starting(): boolean {
    return this.#starting;
  }

  async startIter({ iteration, final }: { iteration: number; final: boolean }): Promise<void> {
    this.#iteration = iteration;
    this.#traffic = undefined;
    this.#starting = true;
    try {
      const request = { type: "start-iteration", iteration, final } as const;
      const { imagesTicket } = await this.#peer.request(request);
      if (imagesTicket) this.#images = await this.#peer.open("images", imagesTicket);
    } finally {
      this.#starting = false;
    }
    this.#channel.push();
    const before = this.totalBytes;
    this.#ticker = setInterval(() => {
      const bytes = this.totalBytes - before;
      if (bytes > 0) this.#onProgress(iteration, { pages: Math.floor(bytes / PAGE_BYTES), bytes });
    }, PROGRESS_MS);
  }

  async stopIter(): Promise<IterationTraffic> {
    return this.#traffic ??= await this.#stop();
  }

  abort(): Promise<void> {
    this.#channel.shutdown();
    this[Symbol.dispose]();
    return Promise.resolve();
  }

  [Symbol.dispose](): void {
    this.#rest();
    this.#images?.close();
  }

  async #stop(): Promise<IterationTraffic> {
    const iteration = this.#iteration;
    const { pages, pageBytes: bytes } = await this.#peer.request({
      type: "stop-iteration",
      iteration,
    });
    this.#rest();
    return { pages, bytes };
  }

  #rest(): void {
    clearInterval(this.#ticker);
    this.#channel.rest();
  }
}
