/**
 * Where the images of one migration lie: in memory unless the operator names another place.
 *
 * @module
 */

import type { Side } from "../migrate/tables.ts";
import { ensureDirectory, orNoSpace } from "../proc/mod.ts";
import { keptLogName } from "./evidence.ts";

/** On tmpfs on every common distribution. */
export const DEFAULT_WORK_DIR = "/dev/shm/phaul";

/** Names the journal, in the directory itself. */
const JOURNAL_LINK = "journal";

/** A directory of one migration, removed when it is disposed of. */
export interface WorkDir extends AsyncDisposable {
  readonly path: string;
  /** Leaves it where it is, for its owner to remove. */
  keep(): Promise<void>;
  /** Saves CRIU's logs to `logsDir/<migration>-N-<name>`; failures are not worth an error of their own. */
  keepLogs(logsDir: string): Promise<void>;
}

/**
 * Makes `<base>/<migration>-<side>`, of mode 0700; one host may be both sides at once.
 *
 * @param journal The file without which the directory is of no use to anybody.
 * @throws PhaulError `directory-unusable`, `no-space`
 */
export async function newWorkDir(
  base: string | undefined,
  migration: string,
  side: Side,
  journal: string,
): Promise<WorkDir> {
  const path = workDirPath(base, migration, side);
  await ensureDirectory(base ?? DEFAULT_WORK_DIR);
  await ensureDirectory(path);
  const workDir = openWorkDir(path);
  try {
    const write = () => Deno.writeTextFile(`${path}/${JOURNAL_LINK}`, journal);
    await orNoSpace(`to "${path}"`, "--work-dir", write);
    return workDir;
  } catch (error) {
    await workDir[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Makes the directory of an iteration's images, with mode 0700.
 *
 * @throws PhaulError `no-space`; Error of the file system
 */
export async function makeImagesDir(path: string): Promise<void> {
  await orNoSpace(`to "${path}"`, "--work-dir", () => Deno.mkdir(path, { mode: 0o700 }));
}

/** Where the images of that side of a migration lie. */
export function workDirPath(base: string | undefined, migration: string, side: Side): string {
  return `${base ?? DEFAULT_WORK_DIR}/${migration}-${side}`;
}

/** A directory that {@linkcode newWorkDir} has made, now or in another phaul's life. */
export function openWorkDir(path: string): WorkDir {
  return {
    path,
    keep: () => Deno.remove(`${path}/${JOURNAL_LINK}`).catch(() => {}),
    keepLogs: (logsDir) => keepLogs(path, logsDir).catch(() => {}),
    async [Symbol.asyncDispose]() {
      await Deno.remove(path, { recursive: true }).catch(() => {});
    },
  };
}

/** What only a check needed, for a moment; the pid of its phaul follows. */
export const SCRATCH_PREFIX = "check-";

/**
 * Removes those directories in `base`, if there is such a place, whose journal is gone, so that nobody
 * will ask for them.
 *
 * @returns what was removed
 */
export async function removeOrphans(base: string): Promise<string[]> {
  const removed: string[] = [];
  const names = await Array.fromAsync(Deno.readDir(base), ({ name }) => name).catch(() => []);
  for (const name of names) {
    const path = `${base}/${name}`;
    const orphaned = /^[0-9a-f]{32}-(source|destination)$/.test(name)
      ? await isOrphan(path)
      : await isLeftScratch(path, name);
    if (!orphaned) continue;
    await openWorkDir(path)[Symbol.asyncDispose]();
    removed.push(path);
  }
  return removed;
}

/** Left by a phaul that was killed while it checked something. */
async function isLeftScratch(path: string, name: string): Promise<boolean> {
  const pid = name.slice(SCRATCH_PREFIX.length).match(/^\d+(?=-)/)?.[0];
  if (pid === undefined || !name.startsWith(SCRATCH_PREFIX)) return false;
  if (await Deno.lstat(`/proc/${pid}`).then(() => true, () => false)) return false;
  // Its own phaul may have removed it by now.
  return await Deno.lstat(path).then(({ isDirectory }) => isDirectory, () => false);
}

/** The journal is made before the directory, and goes after it. */
async function isOrphan(path: string): Promise<boolean> {
  const journal = await Deno.readTextFile(`${path}/${JOURNAL_LINK}`).catch(() => undefined);
  if (journal === undefined || journal === "") return false;
  return await Deno.lstat(journal).then(() => false, (e) => e instanceof Deno.errors.NotFound);
}

/**
 * Puts all files in `dir`, and the directory itself, on the disk.
 *
 * @throws PhaulError `no-space`; Error of the file system
 */
export async function syncFiles(dir: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(dir)) {
    if (isFile) await syncFile(`${dir}/${name}`);
  }
  // The names of the files, of the iteration and of the migration.
  for (const above of [dir, `${dir}/..`, `${dir}/../..`]) await syncFile(above);
}

async function syncFile(path: string): Promise<void> {
  using file = await Deno.open(path);
  await orNoSpace(`image "${path}"`, "--work-dir", () => file.sync());
}

/** So many of them are kept, the newest: they lie where the journals do. */
const KEPT_LOGS = 200;

async function keepLogs(path: string, logsDir: string): Promise<void> {
  await ensureDirectory(logsDir);
  for await (const iteration of Deno.readDir(path)) {
    if (!iteration.isDirectory) continue;
    for await (const file of Deno.readDir(`${path}/${iteration.name}`)) {
      const log = `${path}/${iteration.name}/${file.name}`;
      const name = keptLogName(log);
      if (name !== undefined) await Deno.copyFile(log, `${logsDir}/${name}`);
    }
  }
  await removeOldest(logsDir);
}

async function removeOldest(logsDir: string): Promise<void> {
  const logs = await Promise.all(
    (await Array.fromAsync(Deno.readDir(logsDir))).map(async ({ name }) => {
      const path = `${logsDir}/${name}`;
      return { path, at: (await Deno.stat(path)).mtime?.getTime() ?? 0 };
    }),
  );
  const old = logs.sort((one, other) => other.at - one.at).slice(KEPT_LOGS);
  for (const { path } of old) await Deno.remove(path);
}
