/**
 * Reads an archive from its first byte to its last, and believes nothing of it before that.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import { Pieces } from "../pages/mod.ts";
import type { BeginRequest, BlockCodec, CheckRequest, PrepareRequest } from "../wire/mod.ts";
import { damaged } from "./damage.ts";
import {
  decodeRequest,
  type EntryKind,
  kindOf,
  type Manifest,
  readIndex,
  readManifest,
  sealOf,
  sumLine,
} from "./format.ts";
import { FrameReader } from "./frames.ts";
import { TarReader } from "./tar.ts";

/** What is kept in memory of one entry: an index of a very large tree comes near. */
const MAX_KEPT_BYTES = 512 * 2 ** 20;

/** A whole archive. */
export interface ArchiveContents {
  readonly manifest: Manifest;
  readonly begin: BeginRequest;
  readonly check: CheckRequest;
  readonly prepare: PrepareRequest;
  /** By the names of their pagemap images: where the newest version of each page lies. */
  readonly memory: ReadonlyMap<string, Pieces>;
  /** Digests of all entries, by which a second reading is held against this one. */
  readonly sums: string;
}

/** Told the content of pages and images as it passes; what is kept of it is worth nothing until the end. */
export interface ContentListener {
  begin(entry: EntryKind & { readonly kind: "pages" | "image" }): void;
  content(bytes: Uint8Array): void;
  end(): void;
}

/** Takes the bytes of an archive in order, in parts of any size. */
export class ArchiveReader {
  readonly #frames: FrameReader;
  readonly #tar: TarReader;
  readonly #listener: ContentListener | undefined;
  readonly #pageBytes: number;
  readonly #names = new Set<string>();
  readonly #kept = new Map<string, Uint8Array>();
  readonly #indexes = new Map<string, Uint8Array>();
  /** Pages of each pages entry. */
  readonly #pages = new Map<number, number>();
  #sums = "";
  #manifest: Manifest | undefined;
  #open: OpenEntry | undefined;
  #over = false;

  constructor(codec: BlockCodec, pageBytes: number, listener?: ContentListener) {
    this.#pageBytes = pageBytes;
    this.#listener = listener;
    this.#tar = new TarReader({
      begin: (name, size) => this.#begin(name, size),
      content: (bytes) => this.#content(bytes),
      end: () => this.#end(),
    });
    this.#frames = new FrameReader(codec, (content) => this.#tar.push(content));
  }

  /** The manifest, once it came. */
  get manifest(): Manifest | undefined {
    return this.#manifest;
  }

  /** @throws PhaulError `archive-damaged`, `version-mismatch`; what the listener throws */
  push(bytes: Uint8Array): void {
    this.#frames.push(bytes);
  }

  /**
   * The file ends here.
   *
   * @throws PhaulError `archive-damaged` unless it was whole
   */
  finish(): ArchiveContents {
    this.#frames.finish();
    this.#tar.finish();
    const manifest = this.#manifest;
    if (!this.#over || manifest === undefined) throw damaged("it is cut off");
    const begin = decodeRequest("begin", this.#take("begin"));
    if (begin.migrationId !== manifest.id) throw damaged("its parts are of two archives");
    return {
      manifest,
      begin,
      check: decodeRequest("check", this.#take("check")),
      prepare: decodeRequest("prepare", this.#take("prepare")),
      memory: this.#memory(),
      sums: this.#sums,
    };
  }

  #begin(name: string, size: number): void {
    if (this.#over) throw damaged("something follows its end");
    if (this.#names.has(name)) throw damaged(`"${name}" is in it twice`);
    this.#names.add(name);
    const entry = kindOf(name);
    if ((this.#manifest === undefined) !== (entry.kind === "manifest")) {
      throw damaged("it is none of phaul's");
    }
    const passes = entry.kind === "pages" || entry.kind === "image";
    if (!passes && size > MAX_KEPT_BYTES) throw damaged(`"${name}" in it is too large`);
    if (entry.kind === "pages") this.#beginPages(entry.id, size);
    if (passes) this.#listener?.begin(entry as EntryKind & { kind: "pages" | "image" });
    this.#open = { name, entry, hash: createHash("sha256"), kept: passes ? undefined : [] };
  }

  #beginPages(id: number, size: number): void {
    if (size % this.#pageBytes !== 0) throw damaged("pages in it are no whole ones");
    this.#pages.set(id, size / this.#pageBytes);
  }

  #content(bytes: Uint8Array): void {
    const { hash, kept } = this.#opened;
    hash.update(bytes);
    if (kept) kept.push(bytes.slice());
    else this.#listener?.content(bytes);
  }

  #end(): void {
    const { name, entry, hash, kept } = this.#opened;
    this.#open = undefined;
    const bytes = kept ? joined(kept) : new Uint8Array();
    switch (entry.kind) {
      case "end":
        return this.#endAll(bytes);
      case "sums":
        if (text(bytes) !== this.#sums) throw damaged("its checksums are not those of its content");
        return;
      case "manifest":
        this.#manifest = readManifest(bytes);
        break;
      case "index":
        this.#indexes.set(entry.name, bytes);
        break;
      case "pages":
      case "image":
        this.#listener?.end();
        break;
      default:
        this.#kept.set(entry.kind, bytes);
    }
    if (this.#names.has("SHA256SUMS")) throw damaged("something follows its checksums");
    this.#sums += sumLine(hash.digest("hex"), name);
  }

  #endAll(seal: Uint8Array): void {
    const whole = this.#names.has("SHA256SUMS") &&
      text(seal) === sealOf(this.#manifest?.id ?? "", this.#sums);
    if (!whole) throw damaged("its end is not that of its content");
    this.#over = true;
  }

  get #opened(): OpenEntry {
    if (!this.#open) throw new TypeError("An entry begins first");
    return this.#open;
  }

  #take(kind: string): Uint8Array {
    const bytes = this.#kept.get(kind);
    if (!bytes) throw damaged(`it has no ${kind} message`);
    return bytes;
  }

  #memory(): Map<string, Pieces> {
    const memory = new Map<string, Pieces>();
    for (const [name, bytes] of this.#indexes) {
      const pieces = new Pieces();
      for (const [page, count, file, at] of readIndex(bytes)) {
        if (at + count > (this.#pages.get(file) ?? 0) || count === 0) {
          throw damaged("an index in it names pages that are not there");
        }
        try {
          pieces.push({ page, count, file, at, lazy: false });
        } catch (cause) {
          throw damaged("an index in it is out of order", cause);
        }
      }
      memory.set(name, pieces);
    }
    return memory;
  }
}

interface OpenEntry {
  readonly name: string;
  readonly entry: EntryKind;
  readonly hash: Hash;
  readonly kept: Uint8Array[] | undefined;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
