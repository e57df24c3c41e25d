/**
 * The files of one migration on its destination: taken in beside the tree's memory, put in place before
 * the restore, put back when the migration is given up, and made final when the tree runs.
 *
 * @module
 */

import { PhaulError } from "../../errors.ts";
import {
  contains,
  ensureDirectory,
  FileLock,
  lookAt,
  makeDirectories,
  parentOf,
} from "../../proc/mod.ts";
import {
  type ByteStream,
  type FileFact,
  type FileMoves,
  maxAreas,
  type OfferFilesRequest,
  type Reply,
  type SyncFilesRequest,
} from "../../wire/mod.ts";
import type { DestinationState } from "../../migrate/tables.ts";
import type { TicketOffice } from "../tickets.ts";
import { isAlike, prune } from "./open_areas.ts";
import { Placement, type Wanted } from "./placement.ts";
import { requireRsync, RsyncServer } from "./rsync_server.ts";
import {
  firstMissing,
  requireAllowed,
  requireTarget,
  requireUsable,
  type Staging,
  stagingFor,
  type TargetPolicy,
} from "./targets.ts";

/** What a tree is called where it is kept. */
const TREE = "tree";

/** What brings files in is made of. */
export interface IncomingParts {
  readonly migration: string;
  readonly moves: FileMoves;
  readonly policy: TargetPolicy;
  readonly tickets: TicketOffice;
  /** What has to stay free where files are kept, in bytes. */
  readonly keepFreeBytes: number;
  /** Silence after which a transfer is given up, in milliseconds. */
  readonly stallMs: number;
  /** Files are to be on the disk before they are put in place. */
  readonly durable: boolean;
}

/** Paths of one file system that come by one rsync. */
interface Area {
  readonly staging: Staging;
  /** The one directory of a tree; each file of those that are open. */
  readonly targets: Set<string>;
  readonly open: boolean;
}

/** What comes, and what became of it. A migration that another phaul began has its placement alone. */
export class IncomingFiles implements Disposable {
  readonly #parts: IncomingParts | undefined;
  readonly #placement: Placement;
  readonly #areas: Area[] = [];
  readonly #locks = new DisposableStack();
  readonly #servers = new Set<RsyncServer>();
  readonly #failures = new Map<Area, PhaulError>();
  #closed = false;

  private constructor(placement: Placement, parts?: IncomingParts) {
    this.#placement = placement;
    this.#parts = parts;
  }

  /** What a phaul that died had put in place. */
  static reopen(stateDir: string, migration: string): IncomingFiles {
    return new IncomingFiles(new Placement(stateDir, migration));
  }

  /**
   * Gets ready for what a source announced.
   *
   * @throws PhaulError `path-refused`, `file-differs`, `destination-unfit`, `busy`
   */
  static async admit(parts: IncomingParts): Promise<IncomingFiles> {
    const { moves: { trees, open, overwrite }, policy, migration } = parts;
    const files = new IncomingFiles(new Placement(policy.stateDir, migration), parts);
    if (trees.length === 0 && !open) return files;
    await requireRsync("destination-unfit");
    requireApart(trees.map(({ target }) => target));
    using owned = new DisposableStack();
    owned.use(files);
    for (const { target } of trees) {
      requireTarget(target, overwrite, policy);
      const area = await files.#add(target, `tree-${await digestOf(target)}`, false);
      makeDirectories(`${area.staging.root}/${TREE}`);
    }
    owned.move();
    return files;
  }

  /** Answers a request of the source. */
  async answer(
    request: OfferFilesRequest | SyncFilesRequest,
    state: DestinationState,
  ): Promise<Reply> {
    if (state !== "admitted" && state !== "receiving") {
      throw new PhaulError("protocol", `Cannot answer "${request.type}" in state "${state}"`);
    }
    if (this.#closed) throw new PhaulError("cancelled", "Cannot take files in: it was given up");
    if (request.type === "sync-files") return this.#sync(request.area);
    const areas: number[] = [];
    for (const file of request.files) areas.push(await this.#wanted(file));
    return { type: "files-wanted", areas };
  }

  /**
   * Puts everything in place, or nothing.
   *
   * @throws PhaulError `file-differs`, `files-failed`, `cancelled`
   */
  async place(): Promise<void> {
    await this.#idle();
    const overwrite = this.#parts?.moves.overwrite ?? false;
    const wanted: Wanted[] = [];
    for (const { staging, targets, open } of this.#areas) {
      if (open) prune(staging.root, targets);
      else requireDirectory(`${staging.root}/${TREE}`);
      if (this.#parts?.durable) await syncFileSystem(staging.root);
      const places = open ? new Set([...targets].map(firstMissing)) : targets;
      for (const to of places) {
        const aside = `${staging.dir}/aside/${wanted.length}`;
        // Below a directory that was missing only what was wanted is left.
        const from = open ? `${staging.root}${to}` : `${staging.root}/${TREE}`;
        wanted.push({ from, to, ...(overwrite ? { aside } : {}) });
      }
    }
    await this.#placement.place(wanted);
  }

  /** Puts everything back as it was; nothing comes or is placed any more. */
  async undo(): Promise<void> {
    this.#close();
    await this.#idle();
    await this.#placement.undo();
  }

  /** Makes what was placed final. */
  async keep(): Promise<void> {
    await this.#placement.keep();
  }

  /** Lets go of everything; what was placed stays as it is. */
  [Symbol.dispose](): void {
    this.#close();
    this.#locks.dispose();
  }

  #close(): void {
    this.#closed = true;
    for (const server of this.#servers) server[Symbol.dispose]();
  }

  /** Resolves when nothing comes any more. */
  async #idle(): Promise<void> {
    await Promise.all([...this.#servers].map(({ ended }) => ended));
  }

  get #live(): IncomingParts {
    if (this.#parts) return this.#parts;
    throw new PhaulError("protocol", "Cannot take files in: the migration was interrupted");
  }

  async #add(target: string, name: string, open: boolean): Promise<Area> {
    const staging = stagingFor(target, name, this.#live.policy);
    await this.#placement.uses(staging.dir, open ? "scratch" : "cache");
    await ensureDirectory(parentOf(staging.dir));
    await ensureDirectory(staging.dir);
    await ensureDirectory(staging.root);
    const lock = FileLock.take(staging.dir);
    if (!lock) {
      throw new PhaulError("busy", `Cannot take files in for "${target}": another migration does`);
    }
    this.#locks.use(lock);
    const area = { staging, open, targets: new Set([target]) };
    this.#areas.push(area);
    return area;
  }

  /** The area of a file that is offered, counted from 1; 0 for one that is here already. */
  async #wanted(file: FileFact): Promise<number> {
    const { moves: { open, overwrite }, policy, migration } = this.#live;
    if (!open) throw new PhaulError("protocol", "Cannot take open files in: none were announced");
    const { path } = file;
    const known = this.#areas.findIndex(({ open, targets }) => open && targets.has(path));
    if (known >= 0) return known + 1;
    if (await isAlike(file)) return 0;
    requireUsable(path, policy);
    if (lookAt(path) !== undefined) {
      if (!overwrite) throw differs(path);
      requireAllowed(path, policy);
    }
    const { dir } = stagingFor(path, `open-${migration}`, policy);
    const index = this.#areas.findIndex(({ open, staging }) => open && staging.dir === dir);
    if (index < 0 && this.#areas.length === maxAreas) throw tooMany();
    if (index < 0) await this.#add(path, `open-${migration}`, true);
    else this.#areas[index]?.targets.add(path);
    return (index < 0 ? this.#areas.length - 1 : index) + 1;
  }

  #sync(index: number): Reply {
    const { tickets, keepFreeBytes, stallMs } = this.#live;
    const area = this.#areas[index];
    if (!area) throw new PhaulError("protocol", `Cannot take files in: there is no area ${index}`);
    const failure = this.#failures.get(area);
    if (failure) throw failure;
    const begin = async (stream: ByteStream) => {
      if (this.#closed) return stream.close();
      const server = await RsyncServer.start(area.staging, stream, { keepFreeBytes, stallMs });
      this.#servers.add(server);
      if (this.#closed) server[Symbol.dispose]();
      await server.ended;
      this.#servers.delete(server);
      if (server.failure) this.#failures.set(area, server.failure);
    };
    const ticket = tickets.issue("files", (stream) => {
      begin(stream).catch(() => stream.close());
    });
    return { type: "files-ticket", ticket };
  }
}

/** Two directories of which one holds the other could not both be put in place. */
function requireApart(targets: readonly string[]): void {
  const inside = targets.find((one, index) =>
    targets.some((other, place) => index !== place && contains(other, one))
  );
  if (inside === undefined) return;
  throw new PhaulError("path-refused", `Cannot put files at "${inside}" twice`, {
    remedy: "Name each directory once, and none that lies in another",
  });
}

/** What a source has sent in place of a directory is not put there. */
function requireDirectory(path: string): void {
  if (lookAt(path)?.isDirectory) return;
  throw new PhaulError("protocol", `Cannot place files: what came at "${path}" is no directory`);
}

function differs(path: string): PhaulError {
  return new PhaulError("file-differs", `Cannot place "${path}": another file is there`, {
    remedy:
      "Move it away, or migrate with --overwrite to a phaul serve --allow-path that covers it",
  });
}

function tooMany(): PhaulError {
  return new PhaulError("path-refused", "Cannot take files in for so many file systems");
}

async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex().slice(0, 32);
}

/** By coreutils: the runtime has no syncfs(2). */
async function syncFileSystem(path: string): Promise<void> {
  const { success } = await new Deno.Command("sync", {
    ...{ args: ["-f", path], stdin: "null", stdout: "null", stderr: "null" },
  }).output();
  if (!success) throw new PhaulError("files-failed", `Cannot put "${path}" on the disk`);
}
