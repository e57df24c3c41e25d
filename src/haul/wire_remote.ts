/**
 * The destination's server behind the wire: phaul's own {@linkcode PhaulRemote}.
 *
 * @module
 */

import type { ByteStream } from "../wire/mod.ts";
import type { IterationTraffic, PhaulRemote } from "./config.ts";
import type { Peer } from "./peer.ts";
import type { PageRelay } from "./relay.ts";

/** Starts and stops iterations on the destination and connects the page relay to it. */
export class WireRemote implements PhaulRemote {
  readonly #peer: Peer;
  readonly #relay: PageRelay;
  #iteration = 0;
  #traffic: IterationTraffic | undefined;
  #images: ByteStream | undefined;

  constructor(peer: Peer, relay: PageRelay) {
    this.#peer = peer;
    this.#relay = relay;
  }

  /** The images stream of the final iteration; opened before anything is frozen. */
  get images(): ByteStream | undefined {
    return this.#images;
  }

  async startIter({ iteration, final }: { iteration: number; final: boolean }): Promise<void> {
    this.#iteration = iteration;
    this.#traffic = undefined;
    const started = await this.#peer.request({ type: "start-iteration", iteration, final });
    this.#relay.begin(await this.#peer.open("pages", started.pagesTicket));
    if (started.imagesTicket) this.#images = await this.#peer.open("images", started.imagesTicket);
  }

  async stopIter(): Promise<IterationTraffic> {
    return this.#traffic ??= await this.#stop();
  }

  abort(): Promise<void> {
    this.#images?.close();
    return Promise.resolve();
  }

  async #stop(): Promise<IterationTraffic> {
    const { pages, bytes, hash } = await this.#relay.end();
    await this.#peer.request({
      type: "stop-iteration",
      iteration: this.#iteration,
      pageBytes: bytes,
      pageHash: hash,
    });
    return { pages, bytes };
  }
}
