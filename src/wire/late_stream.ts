/**
 * The stream of late pages, in both directions: what the destination has not got or somebody waits for, and
 * pages. docs/protocol.md, "Late pages", says who sends what when.
 *
 * A message is 24 bytes in network order, {u32 kind, u32 count, u64 first, u32 a, u32 b}, and after
 * one of the kind `pages` their contents.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { type ByteSource, type ByteStream, readExactly } from "./stream.ts";

/** Pages in one message at most: 128 KiB. */
export const maxLatePages = 32;

const headerBytes = 24;

const kinds = {
  /** Somebody waits for these. */
  wanted: 1,
  /** These have not come. */
  missing: 2,
  /** All that is missing was named. */
  named: 3,
  /** So many pages of the stream were put where they belong. */
  taken: 4,
  /** So many processes have waited for late pages, and how long. */
  waited: 5,
  /** All came: the source is needed no more. */
  complete: 6,
  /** From here on from the source: pages. */
  pages: 16,
} as const;

/** One message. Pages have numbers from 0, in the order in which the dump told of them. */
export type LateMessage =
  | { readonly kind: "wanted" | "missing"; readonly first: number; readonly count: number }
  | { readonly kind: "named" | "complete" }
  | { readonly kind: "taken"; readonly count: number }
  | {
    readonly kind: "waited";
    readonly count: number;
    readonly medianUs: number;
    readonly p99Us: number;
  }
  | { readonly kind: "pages"; readonly first: number; readonly bytes: Uint8Array };

const kindNames: ReadonlyMap<number, string> = new Map(
  Object.entries(kinds).map(([name, number]) => [number, name]),
);
const maxUint32 = 2 ** 32 - 1;

/** Writes and reads the messages of one stream, which stays its giver's. One reader at a time. */
export class LateStream {
  readonly #stream: ByteStream;
  readonly #pageBytes: number;
  readonly #in: Uint8Array;
  readonly #out: Uint8Array;
  readonly #header = new Uint8Array(headerBytes);
  #sending: Promise<void> = Promise.resolve();

  /** @param pageBytes The size of a page, on both hosts. */
  constructor(stream: ByteStream, pageBytes: number) {
    this.#stream = stream;
    this.#pageBytes = pageBytes;
    this.#in = new Uint8Array(maxLatePages * pageBytes);
    this.#out = new Uint8Array(headerBytes + maxLatePages * pageBytes);
  }

  /** Sends a message, behind those that are being sent; its bytes may be reused afterwards. */
  send(message: LateMessage): Promise<void> {
    const sent = this.#sending.then(() => this.#write(message));
    this.#sending = sent.catch(() => {});
    return sent;
  }

  async #write(message: LateMessage): Promise<void> {
    const view = new DataView(this.#out.buffer);
    new Uint8Array(this.#out.buffer, 0, headerBytes).fill(0);
    view.setUint32(0, kinds[message.kind]);
    let length = headerBytes;
    if ("count" in message) view.setUint32(4, Math.min(message.count, maxUint32));
    if ("first" in message) view.setBigUint64(8, BigInt(message.first));
    if (message.kind === "waited") {
      view.setUint32(16, Math.min(message.medianUs, maxUint32));
      view.setUint32(20, Math.min(message.p99Us, maxUint32));
    }
    if (message.kind === "pages") {
      view.setUint32(4, message.bytes.length / this.#pageBytes);
      this.#out.set(message.bytes, headerBytes);
      length += message.bytes.length;
    }
    await this.#stream.write(this.#out.subarray(0, length));
  }

  /**
   * Takes the next message; pages are good until the one after it is asked for.
   *
   * @returns undefined when the stream has ended
   * @throws PhaulError `protocol`, `peer-lost`
   */
  async next(): Promise<LateMessage | undefined> {
    if (!await readExactly(this.#stream, this.#header)) return undefined;
    const view = new DataView(this.#header.buffer);
    const kind = kindNames.get(view.getUint32(0)) as LateMessage["kind"] | undefined;
    const count = view.getUint32(4);
    const first = Number(view.getBigUint64(8));
    if (first > Number.MAX_SAFE_INTEGER) throw malformed(this.#stream, `page ${first}`);
    switch (kind) {
      case "wanted":
      case "missing":
        return { kind, first, count };
      case "named":
      case "complete":
        return { kind };
      case "taken":
        return { kind, count };
      case "waited":
        return { kind, count, medianUs: view.getUint32(16), p99Us: view.getUint32(20) };
      case "pages":
        return { kind, first, bytes: await this.#contents(count) };
      case undefined:
        throw malformed(this.#stream, "it is of no known kind");
      default:
        return kind satisfies never;
    }
  }

  async #contents(count: number): Promise<Uint8Array> {
    if (count === 0 || count > maxLatePages) throw malformed(this.#stream, `it has ${count} pages`);
    const bytes = this.#in.subarray(0, count * this.#pageBytes);
    if (await readExactly(this.#stream, bytes)) return bytes;
    throw new PhaulError("peer-lost", `Cannot read from ${this.#stream.peer}: it went away`);
  }
}

function malformed(stream: ByteSource, why: string): PhaulError {
  return new PhaulError(
    "protocol",
    `Cannot take a message of late pages of ${stream.peer}: ${why}`,
  );
}
