/**
 * The two names of an archive: one while it is written, one when it is what runs next.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { FileLock } from "../proc/mod.ts";
import { manifestIn } from "./file.ts";

/** What an archive is called until its tree has ended. */
export function partialOf(path: string): string {
  return `${path}.partial`;
}

/** There is a file where an archive is to be. */
export function alreadyThere(path: string): PhaulError {
  return new PhaulError("archive-exists", `Cannot write "${path}": there is such a file already`, {
    remedy: path.endsWith(".partial")
      ? "Another phaul writes it, or was interrupted: phaul status and phaul recover tell"
      : "Nothing is overwritten: name another file with --to-archive, or move that one away",
  });
}

/** Puts the names in the folder of `path` on the disk. */
export async function syncFolderOf(path: string): Promise<void> {
  using folder = await Deno.open(path.slice(0, path.lastIndexOf("/")) || "/");
  await folder.sync();
}

/**
 * Gives the archive of migration `id` its name; harmless when it has it already.
 *
 * @throws PhaulError `archive-exists` when another file has it; `archive-damaged` when there is none to
 * be named; `directory-unusable`
 */
export async function publishArchive(path: string, id: string, pageBytes: number): Promise<void> {
  const partial = partialOf(path);
  try {
    if (await isArchive(partial, id, pageBytes)) {
      await requireNone(path);
      await Deno.rename(partial, path);
    } else if (!await isArchive(path, id, pageBytes)) {
      throw new PhaulError("archive-damaged", `Cannot find the archive of migration ${id}`, {
        remedy: `Neither "${path}" nor "${partial}" is it: look for where somebody has moved it`,
      });
    }
    await syncFolderOf(path);
  } catch (cause) {
    if (cause instanceof PhaulError) throw cause;
    const text = asPhaulError(cause).message;
    throw new PhaulError("directory-unusable", `Cannot name the archive "${path}": ${text}`, {
      remedy: `The whole of it is in "${partial}": make its folder writable, then: ` +
        `phaul recover ${id}`,
      cause,
    });
  }
}

async function requireNone(path: string): Promise<void> {
  const taken = await Deno.lstat(path).then(() => true, () => false);
  if (!taken) return;
  throw new PhaulError("archive-exists", `Cannot name the archive "${path}": the name is taken`, {
    remedy: "Move that file away; phaul recover then ends what was begun",
  });
}

/** Removes what there is of the archive of migration `id`; one that another phaul writes is not it. */
export async function discardArchive(path: string, id: string, pageBytes: number): Promise<void> {
  const partial = partialOf(path);
  using lock = FileLock.take(partial);
  if (!lock) return;
  // It may have died before it said whose it is.
  const found = await manifestIn(partial, pageBytes).catch(() => undefined);
  if (found !== undefined && found.id !== id) return;
  await Deno.remove(partial).catch(() => {});
}

/** Whether the file is the archive of migration `id`. */
export async function isArchive(path: string, id: string, pageBytes: number): Promise<boolean> {
  const manifest = await manifestIn(path, pageBytes).catch(() => undefined);
  return manifest?.id === id;
}
