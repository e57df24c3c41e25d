/**
 * What a tree has open, mapped or works in, brought over where the destination does not have it.
 *
 * @module
 */

import {
  collectFiles,
  contains,
  listDescriptors,
  listSockets,
  listTree,
  lookAt,
  unixSocketsByInode,
  writableMappings,
} from "../../proc/mod.ts";
import type { FileFact } from "../../wire/mod.ts";
import { digestOfFile } from "./open_areas.ts";
import type { FileFigures, PhaulFiles } from "./phaul_files.ts";
import { sumOf, SyncArea, type SyncParts } from "./sync_area.ts";

/** Above this a change of time alone makes a file another one. */
const DIGEST_BYTES = 16 * 2 ** 20;

/** One tree's open files. */
export class OpenFiles implements PhaulFiles {
  readonly name = "open";
  readonly #pid: number;
  readonly #trees: readonly string[];
  readonly #parts: SyncParts;
  readonly #areas = new Map<number, { readonly sync: SyncArea; readonly paths: Set<string> }>();
  readonly #digests = new Map<string, Uint8Array>();
  #mapped: ReadonlySet<string> = new Set();

  /** @param trees Directories that move by themselves. */
  constructor(pid: number, trees: readonly string[], parts: SyncParts) {
    this.#pid = pid;
    this.#trees = trees;
    this.#parts = parts;
  }

  async begin(signal: AbortSignal): Promise<FileFigures> {
    return await this.sync(signal);
  }

  async sync(signal: AbortSignal): Promise<FileFigures> {
    await this.#offer(signal);
    const figures: FileFigures[] = [];
    for (const { sync, paths } of this.#areas.values()) {
      figures.push(await sync.whileRunning(signal, relative(there(paths))));
    }
    return sumOf(figures);
  }

  async final(signal: AbortSignal): Promise<FileFigures> {
    const before = this.#mapped;
    await this.#offer(signal);
    const mapped = new Set([...before, ...this.#mapped]);
    const figures: FileFigures[] = [];
    for (const { sync, paths } of this.#areas.values()) {
      const now = there(paths);
      const suspects = now.filter((path) => {
        const info = lookAt(path);
        const changed = info?.ctime?.getTime() ?? Infinity;
        return info?.isFile && (mapped.has(path) || changed >= sync.suspectSinceMs);
      });
      figures.push(await sync.whileFrozen(signal, relative(suspects), relative(now)));
    }
    return sumOf(figures);
  }

  commit(): Promise<void> {
    return Promise.resolve();
  }

  abort(): Promise<void> {
    return Promise.resolve();
  }

  /** Has the destination say what it wants, and where. */
  async #offer(signal: AbortSignal): Promise<void> {
    const processes = listTree(this.#pid);
    this.#mapped = writableMappings(processes);
    const descriptors = listDescriptors(processes);
    const facts = [...collectFiles(processes, descriptors), ...boundSockets(descriptors)]
      .filter(({ path }) => !this.#trees.some((tree) => contains(tree, path)));
    const files: FileFact[] = [];
    for (const fact of facts) files.push(await this.#described(fact));
    const { areas } = await this.#parts.peer.request({ type: "offer-files", files }, { signal });
    files.forEach(({ path }, index) => {
      const area = (areas[index] ?? 0) - 1;
      if (area >= 0) this.#areaOf(area).paths.add(path);
    });
  }

  #areaOf(area: number) {
    const known = this.#areas.get(area);
    if (known) return known;
    const options = ["--relative"];
    const sync = new SyncArea({ ...this.#parts, ...{ area, from: "/", to: "", options } });
    const made = { sync, paths: new Set<string>() };
    this.#areas.set(area, made);
    return made;
  }

  async #described(fact: Omit<FileFact, "appendOnly">): Promise<FileFact> {
    const { path, size, kind, mode, buildId } = fact;
    const same = { path, size, kind, mode, appendOnly: false, ...(buildId ? { buildId } : {}) };
    const info = lookAt(path);
    if (kind !== "file" || info?.mtime === undefined || info.mtime === null) return same;
    const modifiedMs = Math.max(0, info.mtime.getTime());
    if (buildId || size > DIGEST_BYTES) return { ...same, size: info.size, modifiedMs };
    const key = `${path} ${info.size} ${modifiedMs}`;
    const digest = this.#digests.get(key) ?? await digestBytes(path);
    if (digest) this.#digests.set(key, digest);
    return { ...same, size: info.size, modifiedMs, ...(digest ? { digest } : {}) };
  }
}

/** Addresses in the file system of the tree's unix sockets. */
function boundSockets(
  descriptors: ReturnType<typeof listDescriptors>,
): Omit<FileFact, "appendOnly">[] {
  const known = unixSocketsByInode();
  const paths = listSockets(descriptors).flatMap(({ inode }) => known.get(inode)?.name ?? []);
  return [...new Set(paths)].flatMap((path) => {
    const info = path.startsWith("/") ? lookAt(path) : undefined;
    if (!info?.isSocket) return [];
    const mode = (info.mode ?? 0) & 0o7777;
    return [{ path, size: 0, kind: "socket" as const, mode }];
  });
}

async function digestBytes(path: string): Promise<Uint8Array | undefined> {
  const text = await digestOfFile(path);
  return text === undefined ? undefined : Uint8Array.fromHex(text);
}

function there(paths: ReadonlySet<string>): string[] {
  return [...paths].filter((path) => lookAt(path) !== undefined);
}

function relative(paths: readonly string[]): string[] {
  return paths.map((path) => path.slice(1));
}
