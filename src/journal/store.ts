/**
 * Journals on disk: `migrations/ID/source` and `migrations/ID/destination` in the state directory, each
 * written by one phaul at a time.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import type { Side } from "../migrate/tables.ts";
import { bootId, ensureDirectory, FileLock, isFull, noSpace } from "../proc/mod.ts";
import type { Journal, JournalRecord, StampedRecord } from "./records.ts";
import { decodeJournal, encodeRecord } from "./codec.ts";

/** Where a journal is, before it is opened. */
export interface JournalName {
  /** The migration's id. */
  readonly migration: string;
  readonly side: Side;
}

const SIDES: readonly Side[] = ["source", "destination"];
const MIGRATION = /^[0-9a-f]{32}$/;
/** Records that name processes of one boot. */
const TREES: ReadonlySet<string> = new Set(["BEGIN", "INTENT", "ADMITTED", "RESTORED"]);
/** Whoever only looks whether a journal is live has its lock for a moment. */
const LOCK_TRIES = 5;
const LOCK_PAUSE_MS = 10;

/** All journals of one state directory. */
export class JournalStore {
  /** `<state dir>/migrations`. */
  readonly dir: string;

  constructor(stateDir: string) {
    this.dir = `${stateDir}/migrations`;
  }

  /** The file of a journal. */
  pathOf({ migration, side }: JournalName): string {
    return `${this.dir}/${migration}/${side}`;
  }

  /**
   * Begins a journal with its first record. The caller owns it.
   *
   * @throws PhaulError `busy` when there is one already, `no-space`, `directory-unusable`
   */
  async create(name: JournalName, first: JournalRecord): Promise<DiskJournal> {
    await ensureDirectory(`${this.dir}/${name.migration}`);
    const path = this.pathOf(name);
    const journal = await DiskJournal.open(path, { create: true });
    if (!journal || journal.records.length > 0) {
      journal?.close();
      throw new PhaulError("busy", `Cannot begin migration ${name.migration} twice`);
    }
    try {
      await journal.record(first);
      // Without these a power cut could take the names away.
      for (const dir of [`${this.dir}/${name.migration}`, this.dir, `${this.dir}/..`]) {
        await syncDirectory(dir);
      }
      return journal;
    } catch (error) {
      await journal.remove();
      throw error;
    }
  }

  /** Every journal there is; none when there is no state directory yet. */
  async list(): Promise<JournalName[]> {
    const names: JournalName[] = [];
    for (const migration of await namesIn(this.dir)) {
      if (!MIGRATION.test(migration)) continue;
      const files = await namesIn(`${this.dir}/${migration}`);
      names.push(
        ...SIDES.filter((side) => files.includes(side)).map((side) => ({ migration, side })),
      );
    }
    return names;
  }

  /**
   * What a journal holds now, whoever writes it; undefined when there is none.
   *
   * @throws PhaulError `journal-damaged`
   */
  async read(name: JournalName): Promise<readonly StampedRecord[] | undefined> {
    const path = this.pathOf(name);
    const bytes = await Deno.readFile(path).catch(absent);
    return bytes && decodeJournal(bytes, path).records;
  }

  /**
   * Opens a journal that no phaul writes any more. The caller owns it.
   *
   * @returns undefined when a phaul still writes it, or when there is none
   * @throws PhaulError `journal-damaged`
   */
  async reopen(name: JournalName): Promise<DiskJournal | undefined> {
    const journal = await DiskJournal.open(this.pathOf(name));
    // Its phaul died before the first record: nothing had begun.
    if (journal?.records.length !== 0) return journal;
    await journal.remove();
    return undefined;
  }

  /** Whether a phaul writes that journal now; also when it has just removed it. */
  isLive(name: JournalName): boolean {
    using lock = FileLock.take(this.pathOf(name));
    return lock === undefined;
  }
}

/** One journal, locked by this phaul as long as it is open. */
export class DiskJournal implements Journal, Disposable {
  /** The file. */
  readonly path: string;
  readonly #file: Deno.FsFile;
  readonly #lock: FileLock;
  readonly #boot = bootId();
  #records: readonly StampedRecord[];
  #bytes: number;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(
    path: string,
    file: Deno.FsFile,
    lock: FileLock,
    content: { records: readonly StampedRecord[]; bytes: number },
  ) {
    this.path = path;
    this.#file = file;
    this.#lock = lock;
    this.#records = content.records;
    this.#bytes = content.bytes;
  }

  /** Opens the file; undefined when another phaul has it, or there is none. */
  static async open(
    path: string,
    { create = false }: { readonly create?: boolean } = {},
  ): Promise<DiskJournal | undefined> {
    using owned = new DisposableStack();
    const opening = Deno.open(path, { read: true, write: true, create, mode: 0o600 });
    const file = await opening.catch(absent).catch(unusable(path));
    if (!file) return undefined;
    owned.use(file);
    const lock = await takeLock(path);
    if (!lock) return undefined;
    owned.use(lock);
    // Its remover had the lock until a moment ago, and this name is gone or leads to a new file.
    if ((await file.stat()).ino !== (await Deno.lstat(path).catch(absent))?.ino) return undefined;
    const content = decodeJournal(await Deno.readFile(path), path);
    owned.move();
    return new DiskJournal(path, file, lock, content);
  }

  /** All records, the oldest first. */
  get records(): readonly StampedRecord[] {
    return this.#records;
  }

  /** This host has restarted since the tree was last written down; later records say nothing of that. */
  get rebooted(): boolean {
    const listed = this.#records.findLast(({ record }) => TREES.has(record.mark));
    return listed?.boot !== this.#boot;
  }

  /** Appends `record`, one after the other. */
  record(record: JournalRecord): Promise<void> {
    const written = this.#writing.then(() => this.#append(record));
    this.#writing = written.catch(() => {});
    return written;
  }

  /** Removes the file, and the migration's folder with its last file. */
  async remove(): Promise<void> {
    await this.#writing;
    await Deno.remove(this.path).catch(() => {});
    await Deno.remove(this.path.slice(0, this.path.lastIndexOf("/"))).catch(() => {});
    this.close();
  }

  /** Lets go of the file; it stays. Closing twice is harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file.close();
    this.#lock[Symbol.dispose]();
  }

  /** The same as close. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #append(record: JournalRecord): Promise<void> {
    const stamped = { at: new Date().toISOString(), boot: this.#boot, record };
    const line = encodeRecord(stamped);
    try {
      // A torn tail of before goes first.
      await this.#cutTail();
      for (let done = 0; done < line.length;) done += await this.#file.write(line.subarray(done));
      // A tree dies with its host: that it was restored need not survive more than phaul.
      if (record.mark !== "RESTORED") await this.#file.syncData();
    } catch (cause) {
      // Half a COMMIT, or a whole one that nobody acted on, must not be found later.
      await this.#cutTail().catch(() => {});
      if (isFull(cause)) throw noSpace(`journal "${this.path}"`, "--state-dir", cause);
      throw unwritable(this.path, cause);
    }
    this.#bytes += line.length;
    this.#records = [...this.#records, stamped];
  }

  async #cutTail(): Promise<void> {
    await this.#file.truncate(this.#bytes);
    await this.#file.seek(this.#bytes, Deno.SeekMode.Start);
  }
}

async function takeLock(path: string): Promise<FileLock | undefined> {
  for (let tries = 1;; tries++) {
    const lock = FileLock.take(path);
    if (lock || tries === LOCK_TRIES) return lock;
    await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
  }
}

async function namesIn(dir: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(dir)) names.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) unusable(dir)(error);
  }
  return names.sort();
}

async function syncDirectory(dir: string): Promise<void> {
  using file = await Deno.open(dir);
  await file.sync();
}

function absent(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound) return undefined;
  throw error;
}

function unusable(path: string): (cause: unknown) => never {
  return (cause) => {
    throw unwritable(path, cause);
  };
}

function unwritable(path: string, cause: unknown): PhaulError {
  return new PhaulError(
    "directory-unusable",
    `Cannot use journal "${path}": ${asPhaulError(cause).message}`,
    { remedy: "Make it writable, or name another place with --state-dir", cause },
  );
}
