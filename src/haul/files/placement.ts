/**
 * Files put in place on a destination: by renames that are written down before they are done, so that each
 * of them can be undone, or made final, also by a phaul that comes later.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../../errors.ts";
import {
  ensureDirectory,
  entryKey,
  lookAt,
  makeDirectories,
  moveEntry,
  orNoSpace,
  parentOf,
  removeEmptyDirectory,
  removeEntry,
  stepsTo,
} from "../../proc/mod.ts";
import type { JournalStore } from "../../journal/mod.ts";

/** One rename, or the directory `to` made. */
export interface PlannedMove {
  /** `aside` makes room: what lies at `from` is kept at `to` until the end. */
  readonly kind: "aside" | "place" | "make";
  readonly from: string;
  readonly to: string;
  /** What is moved, whatever it is called. */
  readonly key: string;
  /** A socket is made anew by CRIU, in the place of what was put there. */
  readonly socket: boolean;
}

/** What is put in place, and what is in its way. */
export interface Wanted {
  /** Where it lies now. */
  readonly from: string;
  readonly to: string;
  /** Where what is in its way is kept; it must not be there when not given. */
  readonly aside?: string;
}

interface Plan {
  readonly version: 1;
  readonly moves: readonly PlannedMove[];
  /** Directories of phaul's that are of no use once the migration has ended, however. */
  readonly scratch: readonly string[];
  /** Those that are when it was committed. */
  readonly caches: readonly string[];
}

const FOLDER = "files";
const SUFFIX = { begun: ".plan", kept: ".kept" } as const;

/** The files of one migration on its destination, by what is written in the state directory. */
export class Placement {
  readonly #path: string;
  readonly #dir: string;
  #closed = false;
  #scratch: string[] = [];
  #caches: string[] = [];
  #placing: Promise<void> = Promise.resolve();

  constructor(stateDir: string, migration: string) {
    this.#dir = folderOf(stateDir);
    this.#path = `${this.#dir}/${migration}`;
  }

  /**
   * Takes note of a directory of phaul's that is to be removed at the end; before it is made.
   *
   * @param use Of a `cache` there is use again when the migration is given up.
   */
  async uses(dir: string, use: "scratch" | "cache"): Promise<void> {
    if (use === "cache") return void this.#caches.push(dir);
    this.#scratch.push(dir);
    await this.#write([]);
  }

  /**
   * Puts all of `wanted` in place, or nothing.
   *
   * @throws PhaulError `file-differs` when something is in the way; `cancelled` after {@linkcode undo}
   */
  async place(wanted: readonly Wanted[]): Promise<void> {
    if (wanted.length === 0) return;
    const placing = this.#place(wanted);
    this.#placing = placing.catch(() => {});
    await placing;
  }

  async #place(wanted: readonly Wanted[]): Promise<void> {
    const moves = wanted.flatMap(movesFor);
    await this.#write(moves);
    for (const move of moves) {
      if (this.#closed) throw new PhaulError("cancelled", "Cannot place files: it was given up");
      if (move.kind === "make") {
        makeDirectories(move.to);
        continue;
      }
      if (move.kind === "aside") makeDirectories(parentOf(move.to));
      if (!moveEntry(move.from, move.to)) throw inTheWay(move.to);
    }
  }

  /**
   * Undoes what was placed, as far as it is there; nothing is placed afterwards.
   *
   * @throws PhaulError `files-failed` when something cannot be put back; it can be tried again
   */
  async undo(): Promise<void> {
    this.#closed = true;
    await this.#placing;
    const plan = await readPlan(`${this.#path}${SUFFIX.begun}`);
    if (!plan) return;
    for (const move of plan.moves.toReversed()) back(move);
    await removeAll(plan.scratch);
    await Deno.remove(`${this.#path}${SUFFIX.begun}`);
  }

  /** Makes final what was placed; what it replaced is removed. May come again. */
  async keep(): Promise<void> {
    const [begun, kept] = [`${this.#path}${SUFFIX.begun}`, `${this.#path}${SUFFIX.kept}`];
    await Deno.rename(begun, kept).catch(orMissing);
    const plan = await readPlan(kept);
    if (!plan) return;
    for (const { kind, to, key } of plan.moves) {
      if (kind !== "aside" || entryKey(to) !== key) continue;
      await Deno.remove(to, { recursive: true });
    }
    await removeAll([...plan.scratch, ...plan.caches]);
    await Deno.remove(kept);
  }

  async #write(moves: readonly PlannedMove[]): Promise<void> {
    await ensureDirectory(this.#dir);
    const [scratch, caches] = [this.#scratch, this.#caches];
    await writeDown(`${this.#path}${SUFFIX.begun}`, { version: 1, moves, scratch, caches });
  }
}

/** The place of all that concerns files in a state directory. */
export function folderOf(stateDir: string): string {
  return `${stateDir}/${FOLDER}`;
}

/**
 * Ends what a phaul that died has left of migrations whose journal is gone.
 *
 * @returns what could not be ended, for people
 */
export async function endLeft(
  stateDir: string,
  store: JournalStore,
): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(folderOf(stateDir)), ({ name }) => name)
    .catch(() => []);
  const failures: string[] = [];
  for (const name of names) {
    const [, migration, suffix] = /^([0-9a-f]{32})(\.plan|\.kept)$/.exec(name) ?? [];
    if (migration === undefined) continue;
    if (await Deno.lstat(store.pathOf({ migration, side: "destination" })).catch(orMissing)) {
      continue;
    }
    const placement = new Placement(stateDir, migration);
    const ended = suffix === SUFFIX.kept ? placement.keep() : placement.undo();
    await ended.catch((error) => failures.push(asPhaulError(error).message));
  }
  return failures;
}

/** With the directory that they lie in, when nothing else does. */
async function removeAll(dirs: readonly string[]): Promise<void> {
  for (const dir of dirs) {
    await Deno.remove(dir, { recursive: true }).catch(orMissing);
    if (lookAt(parentOf(dir))) removeEmptyDirectory(parentOf(dir));
  }
}

function movesFor({ from, to, aside }: Wanted): PlannedMove[] {
  const key = entryKey(from);
  if (key === undefined) {
    throw new PhaulError("files-failed", `Cannot place "${to}": it has not come`);
  }
  const there = entryKey(to);
  if (there !== undefined && aside === undefined) throw inTheWay(to);
  const missing = stepsTo(parentOf(to)).filter((step) => lookAt(step) === undefined);
  return [
    ...missing.map((step) => (
      { kind: "make" as const, from: "", to: step, key: "", socket: false }
    )),
    ...there !== undefined && aside !== undefined
      ? [{ kind: "aside" as const, from: to, to: aside, key: there, socket: false }]
      : [],
    { kind: "place", from, to, key, socket: lookAt(from)?.isSocket ?? false },
  ];
}

function back({ kind, from, to, key, socket }: PlannedMove): void {
  if (kind === "make") return removeEmptyDirectory(to);
  const there = lookAt(to);
  if (there === undefined) return;
  const isSame = `${there.dev}:${there.ino}` === key;
  if (!isSame && socket && there.isSocket) return removeEntry(to);
  // Never done, or undone before.
  if (!isSame) return;
  if (moveEntry(to, from)) return;
  throw new PhaulError(
    "files-failed",
    `Cannot put "${to}" back to "${from}": something else is there`,
    { remedy: "Move that away; phaul recover, or the next phaul serve, goes on with it" },
  );
}

async function writeDown(path: string, plan: Plan): Promise<void> {
  await orNoSpace(`plan "${path}"`, "--state-dir", async () => {
    using file = await Deno.open(`${path}.new`, {
      ...{ write: true, create: true, truncate: true, mode: 0o600 },
    });
    const bytes = new TextEncoder().encode(JSON.stringify(plan));
    for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
    await file.sync();
    await Deno.rename(`${path}.new`, path);
    using dir = await Deno.open(parentOf(path));
    await dir.sync();
  });
}

async function readPlan(path: string): Promise<Plan | undefined> {
  const text = await Deno.readTextFile(path).catch(orMissing);
  return text === undefined ? undefined : JSON.parse(text) as Plan;
}

function orMissing(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound) return undefined;
  throw error;
}

function inTheWay(path: string): PhaulError {
  return new PhaulError("file-differs", `Cannot place "${path}": something else is there`, {
    remedy: "Move it away, or migrate with --overwrite",
  });
}
