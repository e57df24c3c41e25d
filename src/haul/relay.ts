/**
 * The page path between CRIU's unix socket and the peer's connection, in either direction.
 *
 * Whatever passes is parsed as CRIU's page-server protocol on its way, so that both sides know exactly
 * which pages travelled and can compare one running hash at the end of each iteration.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { type PageStreamListener, PageStreamParser } from "../criu/mod.ts";
import type { PageEnd } from "../pages/mod.ts";
import type { ByteStream } from "../wire/mod.ts";
import { PAGE_BYTES } from "./admission.ts";
import type { PageHash } from "./page_hash.ts";

/** One buffer for each direction of each relay: what bounds the memory of the page path. */
const BUFFER_BYTES = 256 * 1024;
/** Less than that, and more may soon be there. */
const WORTHWHILE_BYTES = 64 * 1024;
/** Reads and writes that are ready at once never let timers run: heartbeats would stop. */
const BREATH_MS = 20;

/** What passed in one iteration, from source to destination. */
export interface RelayFigures {
  /** Pages of 4096 bytes whose contents travelled. */
  readonly pages: number;
  /** Bytes, headers included. */
  readonly bytes: number;
  /** Their {@linkcode PageHash}; empty for what came over a shared stream. */
  readonly hash: string;
}

/** Whatever makes or takes CRIU's page stream on this host: a criu behind its channel, or a page cache. */
export interface LocalPages {
  readonly conn: PageEnd;
  /** Breaks it off. */
  shutdown(): void;
}

/** What carries a source's pages, as its role sees it. */
export interface PagePath {
  /** Rejects when the path breaks; never resolves. */
  readonly failed: Promise<never>;
  /** Bytes that passed so far, over all iterations. */
  readonly totalBytes: number;
  /** Breaks the path: CRIU sees its socket shut down and gives up cleanly. */
  abort(error: PhaulError): void;
}

/** What a relay may be given besides. */
export interface RelayOptions {
  /** Waited for before bytes go to the local CRIU; rejects when there is no room for them. */
  readonly admit?: (bytes: number) => Promise<void>;
  /** Hears what the stream of each iteration says. */
  readonly listener?: PageStreamListener;
}

/** Which way the pages go: out of the local CRIU, or into it. */
export type RelayDirection = "outgoing" | "incoming";

/**
 * Carries the page streams of a migration, one connection after the other, over one local channel.
 * It owns the connections given to it, not the channel.
 */
export class PageRelay implements PagePath, Disposable {
  readonly #channel: LocalPages;
  readonly #hash: PageHash;
  readonly #direction: RelayDirection;
  readonly #options: RelayOptions;
  readonly #failure = Promise.withResolvers<never>();
  #leg: Leg | undefined;
  #waiting = Promise.withResolvers<void>();
  #bytesBefore = 0;
  #closed = false;

  constructor(
    channel: LocalPages,
    hash: PageHash,
    direction: RelayDirection,
    options: RelayOptions = {},
  ) {
    this.#channel = channel;
    this.#hash = hash;
    this.#direction = direction;
    this.#options = options;
    this.#failure.promise.catch(() => {});
    void this.#pumpLocal();
  }

  /** Rejects when the path breaks; never resolves. The channel is shut down by then. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  /** Bytes of pages that passed so far, over all iterations: what a watchdog looks at. */
  get totalBytes(): number {
    return this.#bytesBefore + this.bytes;
  }

  /** Pages that passed so far in this iteration. */
  get pages(): number {
    return this.#leg?.parser.pages ?? 0;
  }

  /** Bytes that passed so far in this iteration. */
  get bytes(): number {
    return this.#leg?.parser.bytes ?? 0;
  }

  /**
   * Begins an iteration over `stream`, which becomes the relay's. A `shared` one stays its giver's unless
   * the path breaks: it is for further iterations too, CRIU's own end of an iteration ends that one, and
   * nothing is hashed, since nobody else could.
   */
  begin(stream: ByteStream, { shared = false }: { readonly shared?: boolean } = {}): void {
    const { listener } = this.#options;
    const leg = new Leg(stream, shared ? undefined : this.#hash, listener);
    this.#leg = leg;
    this.#waiting.resolve();
    void this.#pumpRemote(leg);
  }

  /**
   * Ends the iteration once CRIU's stream is complete.
   *
   * @throws PhaulError `page-stream`, `peer-lost` when it broke before
   */
  async end(): Promise<RelayFigures> {
    const leg = this.#leg;
    if (!leg) throw new PhaulError("internal", "Cannot end an iteration that did not begin");
    await Promise.race([leg.complete.promise, this.failed]);
    // The sender ends the stream first and the receiver closes it, so that neither cuts the other off.
    if (this.#direction === "outgoing") await leg.stream.closeWrite();
    else await Promise.race([leg.drained.promise, this.failed]);
    this.#bytesBefore += leg.parser.bytes;
    this.#leg = undefined;
    this.#waiting = Promise.withResolvers<void>();
    if (this.#direction === "incoming" && !leg.shared) leg.stream.close();
    return { pages: leg.parser.pages, bytes: leg.parser.bytes, hash: leg.digest() };
  }

  /** Breaks the path: CRIU sees its socket shut down and gives up cleanly. */
  abort(error: PhaulError): void {
    this.#failure.reject(error);
    this.#channel.shutdown();
    this.#leg?.stream.close();
  }

  /** Stops for good; what breaks from now on is no failure. Dispose of it before its channel. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#leg?.stream.close();
  }

  /** From the local channel to whatever stream is current, for as long as the channel lives. */
  async #pumpLocal(): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    const breath = new Breath();
    try {
      for (;;) {
        await breath.taken();
        const count = await this.#channel.conn.read(buffer);
        if (count === null) return this.#localEnded();
        const leg = await this.#currentLeg();
        const chunk = buffer.subarray(0, count);
        if (this.#direction === "outgoing") leg.take(chunk);
        await leg.stream.write(chunk);
        leg.settle();
        if (this.#direction === "outgoing") await this.#letGather(leg, count);
      }
    } catch (error) {
      this.#broke(error);
    }
  }

  /** CRIU writes a header here and a page there: taken one by one, each costs as much as a full buffer. */
  async #letGather(leg: Leg, count: number): Promise<void> {
    if (count < WORTHWHILE_BYTES && !leg.parser.answerDue) await pause();
  }

  /** From one stream to the local channel, until that stream ends. */
  async #pumpRemote(leg: Leg): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    const breath = new Breath();
    try {
      for (;;) {
        await breath.taken();
        const count = await leg.stream.read(buffer);
        if (count === null) break;
        const chunk = buffer.subarray(0, count);
        if (this.#direction === "incoming") {
          leg.take(chunk);
          await this.#options.admit?.(count);
        }
        await writeAll(this.#channel.conn, chunk);
        leg.settle();
        if (leg.shared && leg.parser.ended) break;
      }
      if (!leg.parser.ended) {
        throw new PhaulError(
          "page-stream",
          "Cannot go on: the peer ended the page stream too early",
        );
      }
      leg.drained.resolve();
    } catch (error) {
      if (this.#leg === leg) this.#broke(error);
    } finally {
      if (this.#direction === "outgoing") leg.stream.close();
    }
  }

  async #currentLeg(): Promise<Leg> {
    while (!this.#leg) await this.#waiting.promise;
    return this.#leg;
  }

  #localEnded(): void {
    if (this.#leg && !this.#leg.parser.ended) {
      this.#broke(new PhaulError("page-stream", "Cannot go on: CRIU closed the page channel"));
    }
  }

  #broke(error: unknown): void {
    if (!this.#closed) this.abort(asPhaulError(error));
  }
}

/** One iteration's stream with what is known of it. */
class Leg {
  readonly stream: ByteStream;
  readonly parser: PageStreamParser;
  readonly #hash: PageHash | undefined;
  /** CRIU's stream is complete in the direction of the pages. */
  readonly complete = Promise.withResolvers<void>();
  /** The peer has nothing more to say on this stream. */
  readonly drained = Promise.withResolvers<void>();

  /** @param hash Of what is not shared. */
  constructor(
    stream: ByteStream,
    hash: PageHash | undefined,
    listener: PageStreamListener | undefined,
  ) {
    this.parser = new PageStreamParser(PAGE_BYTES, listener);
    this.stream = stream;
    this.#hash = hash;
    hash?.reset();
  }

  /** The stream outlives this iteration. */
  get shared(): boolean {
    return this.#hash === undefined;
  }

  take(chunk: Uint8Array): void {
    this.parser.feed(chunk);
    this.#hash?.update(chunk);
  }

  digest(): string {
    return this.#hash?.digest() ?? "";
  }

  settle(): void {
    if (this.parser.ended) this.complete.resolve();
  }
}

/** Lets everything else in this process run, every now and then. */
class Breath {
  #last = performance.now();

  async taken(): Promise<void> {
    if (performance.now() - this.#last < BREATH_MS) return;
    await pause();
    this.#last = performance.now();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

async function writeAll(conn: PageEnd, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await conn.write(bytes.subarray(written));
  }
}
