/**
 * The destination's end of post-copy: takes the pages in that were left in the source's tree, asks for those
 * that somebody waits for, and tells the source when it is needed no more.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { type LateRun, LateStore, type LateSupply, type WaitFigures } from "../pages/mod.ts";
import { type ByteStream, LateStream } from "../wire/mod.ts";
import { PAGE_BYTES } from "./admission.ts";
import { PROGRESS_MS } from "./events.ts";
import { CONNECTION_LOST } from "./verdicts.ts";

/** The late pages of one migration; becomes the owner of their store and streams. */
export class LateIntake implements LateSupply, Disposable {
  readonly #stored = Promise.withResolvers<LateStore>();
  readonly #complete = Promise.withResolvers<void>();
  readonly #listeners: (() => void)[] = [];
  /** What somebody waits for; asked for again when the stream is another one. */
  readonly #wanted = new Map<string, LateRun>();
  #store: LateStore | undefined;
  #connection: ByteStream | undefined;
  #stream: LateStream | undefined;
  #ticker: number | undefined;
  #closed = false;
  /** How long processes waited for late pages, as whoever fills memory in knows. */
  waited: () => WaitFigures | undefined = () => undefined;
  /** Told why a stream was given up, but for links that broke: the source comes back. */
  onFailure: (error: PhaulError) => void = () => {};

  constructor() {
    this.#stored.promise.catch(() => {});
    this.#complete.promise.catch(() => {});
  }

  /** Resolves when all came, and the source was told as far as it is there. */
  get complete(): Promise<void> {
    return this.#complete.promise;
  }

  /** Pages that have not come; undefined before it is known how many there are. */
  get missing(): number | undefined {
    return this.#store?.missing;
  }

  /** What another phaul has begun to take in; undefined where nothing comes late. */
  static find(imagesDir: string): LateIntake | undefined {
    const store = LateStore.find(imagesDir, PAGE_BYTES);
    if (!store) return undefined;
    const late = new LateIntake();
    late.begin(store);
    return late;
  }

  /** Of each pages file that has late pages, where the map of those lies that have not come. */
  get maps(): ReadonlyMap<number, string> {
    return this.#store?.maps ?? new Map();
  }

  /** The iteration is over, and that comes late. */
  begin(store: LateStore): void {
    this.#store = store;
    this.#stored.resolve(store);
    if (store.missing === 0) this.#complete.resolve();
  }

  /** Takes the source's stream, in place of the one before. */
  connect(connection: ByteStream): void {
    this.#connection?.close();
    if (this.#closed) return connection.close();
    this.#connection = connection;
    this.#serve(connection).catch((error) => this.#failed(asPhaulError(error))).finally(() => {
      connection.close();
      if (this.#connection === connection) this.#disconnected();
    });
  }

  wanted(late: LateRun): void {
    this.#wanted.set(`${late.file}:${late.at}`, late);
    this.#ask(late);
  }

  onArrival(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Asks for all that is missing at once, and resolves when it is there.
   *
   * @throws PhaulError `stalled` when nothing came for `stallMs`
   */
  async whole(stallMs: number): Promise<void> {
    const store = await this.#stored.promise;
    for (const range of store.ranges()) void this.#send({ kind: "wanted", ...range });
    for (let before = store.missing; before > 0; before = store.missing) {
      const timer = Promise.withResolvers<void>();
      const id = setTimeout(timer.resolve, stallMs);
      await Promise.race([this.#complete.promise, timer.promise]).finally(() => clearTimeout(id));
      if (store.missing < before) continue;
      throw new PhaulError(
        "stalled",
        "Cannot restore: memory is missing, and none comes from the source",
      );
    }
  }

  /** Lets go of everything. */
  [Symbol.dispose](): void {
    this.#closed = true;
    clearInterval(this.#ticker);
    this.#connection?.close();
    this.#store?.[Symbol.dispose]();
    const over = new PhaulError("cancelled", "Cannot wait for late pages any longer");
    this.#stored.reject(over);
    this.#complete.reject(over);
  }

  async #serve(connection: ByteStream): Promise<void> {
    const stream = new LateStream(connection, PAGE_BYTES);
    const store = await this.#stored.promise;
    this.#stream = stream;
    for (const range of store.ranges()) await stream.send({ kind: "missing", ...range });
    await stream.send({ kind: "named" });
    this.#tellWaits();
    this.#ticker = setInterval(() => this.#tellWaits(), PROGRESS_MS);
    for (const late of this.#wanted.values()) this.#ask(late);
    if (store.missing === 0) await stream.send({ kind: "complete" });
    for (let message = await stream.next(); message; message = await stream.next()) {
      if (message.kind !== "pages") {
        throw new PhaulError("protocol", `Cannot take "${message.kind}" from a source`);
      }
      await this.#take(stream, store, message);
    }
  }

  async #take(
    stream: LateStream,
    store: LateStore,
    { first, bytes }: { readonly first: number; readonly bytes: Uint8Array },
  ): Promise<void> {
    const before = store.missing;
    store.take(first, bytes);
    for (const listener of this.#listeners) listener();
    await stream.send({ kind: "taken", count: bytes.length / PAGE_BYTES });
    if (before === 0 || store.missing > 0) return;
    this.#wanted.clear();
    this.#tellWaits();
    await stream.send({ kind: "complete" }).finally(() => this.#complete.resolve());
  }

  #ask(late: LateRun): void {
    const range = this.#store?.numbered(late);
    if (range) void this.#send({ kind: "wanted", ...range });
  }

  #tellWaits(): void {
    const waited = this.waited();
    if (waited) void this.#send({ kind: "waited", ...waited });
  }

  /** What cannot be sent is sent again over the next stream. */
  async #send(message: Parameters<LateStream["send"]>[0]): Promise<void> {
    await this.#stream?.send(message).catch(() => {});
  }

  #failed(error: PhaulError): void {
    if (!this.#closed && !CONNECTION_LOST.has(error.code)) this.onFailure(error);
  }

  #disconnected(): void {
    clearInterval(this.#ticker);
    this.#connection = undefined;
    this.#stream = undefined;
  }
}
