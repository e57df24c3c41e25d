/**
 * A file in the place of a destination: what a source asks of it, and what becomes of the file.
 *
 * The source's table stays as it is. The archive is "prepared" when it lies on the disk whole, under its
 * other name; at COMMIT, when the tree has ended, it gets its own. So the two are never there at once.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import {
  ArchiveWriter,
  discardArchive,
  isArchive,
  partialOf,
  publishArchive,
} from "../archive/mod.ts";
import type {
  BeginRequest,
  CheckRequest,
  DataKind,
  PrepareRequest,
  Reply,
  ReplyTo,
  Request,
} from "../wire/mod.ts";
import { PAGE_BYTES } from "./admission.ts";
import type { Destination } from "./peer.ts";

/** What the archive's way hands over when the tree is to be prepared. */
export type FinishArchive = (
  writer: ArchiveWriter,
  request: PrepareRequest,
) => Promise<void>;

/** Answers a source, in the name of a file. */
export class ArchivePeer implements Destination {
  /** The file. */
  readonly name: string;
  readonly connected = true;
  /** A file is not lost; what cannot be written fails. */
  readonly lost: Promise<PhaulError> = new Promise(() => {});
  #id: string | undefined;
  #check: CheckRequest | undefined;
  #writer: ArchiveWriter | undefined;
  #finish: FinishArchive | undefined;

  private constructor(path: string, id?: string) {
    this.name = path;
    this.#id = id;
  }

  /** The one that is to be `path`; nothing is made before the migration begins. */
  static of(path: string): ArchivePeer {
    return new ArchivePeer(path);
  }

  /** The one that a phaul which died has left, of migration `id`. */
  static reopened(path: string, id: string): ArchivePeer {
    return new ArchivePeer(path, id);
  }

  /** Takes what the host that restores has to be like. */
  describe(check: CheckRequest): void {
    this.#check = check;
  }

  /**
   * Takes over how the archive is ended.
   *
   * @returns what the archive is written with
   */
  endBy(finish: FinishArchive): ArchiveWriter {
    this.#finish = finish;
    return this.#open;
  }

  reconnect(): Promise<void> {
    return Promise.resolve();
  }

  /** A file has no abilities that are asked for. */
  can(): boolean {
    return false;
  }

  /** Nothing but requests comes to a file. */
  open(kind: DataKind): Promise<never> {
    return Promise.reject(new PhaulError("internal", `Cannot open a stream of ${kind} to a file`));
  }

  async request<R extends Request>(request: R): Promise<ReplyTo<R>> {
    return await this.#answer(request) as ReplyTo<R>;
  }

  /** Lets go of the file. */
  [Symbol.dispose](): void {
    this.#writer?.[Symbol.dispose]();
  }

  async #answer(request: Request): Promise<Reply> {
    switch (request.type) {
      case "begin":
        return await this.#begin(request);
      case "prepare":
        await this.#finish?.(this.#open, request);
        return { type: "ready", migrationId: this.#migration, steps: [] };
      case "commit":
        this.#writer?.[Symbol.dispose]();
        await publishArchive(this.name, this.#migration, PAGE_BYTES);
        return { type: "running", steps: [] };
      case "abort":
        this.#writer?.stop(new PhaulError("cancelled", `Cannot go on: ${request.reason}`));
        this.#writer?.[Symbol.dispose]();
        if (this.#id !== undefined) await discardArchive(this.name, this.#id, PAGE_BYTES);
        return { type: "discarded" };
      case "inquire":
        return { type: "standings", standings: await this.#standings() };
      case "forget":
        return { type: "forgotten" };
      default:
        throw new PhaulError("internal", `Cannot ask a file for "${request.type}"`);
    }
  }

  async #begin(request: BeginRequest): Promise<Reply> {
    if (!this.#check) throw new PhaulError("internal", "Cannot archive a tree of an unknown host");
    this.#writer = await ArchiveWriter.create(this.name, PAGE_BYTES);
    // Not sooner: before there is a file of this migration, there is none to be removed.
    this.#id = request.migrationId;
    await this.#writer.begin(request, this.#check);
    return { type: "begun", migrationId: this.#id, lazy: false };
  }

  /** In the words of a destination's table: what a source that was interrupted has to know. */
  async #standings() {
    const migrationId = this.#migration;
    const has = (path: string) => isArchive(path, migrationId, PAGE_BYTES);
    const state = await has(this.name)
      ? "running"
      : await has(partialOf(this.name))
      ? "prepared"
      : undefined;
    return state === undefined ? [] : [{ migrationId, state, comm: "" }];
  }

  get #migration(): string {
    if (this.#id === undefined) throw new PhaulError("internal", "Cannot archive nothing");
    return this.#id;
  }

  get #open(): ArchiveWriter {
    if (!this.#writer) throw new PhaulError("internal", "Cannot write to no archive");
    return this.#writer;
  }
}
