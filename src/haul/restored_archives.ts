/**
 * Which archives this host has restored: `archives/ID` in the state directory, one small file each.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { ensureDirectory } from "../proc/mod.ts";

/** What is known of a restore. */
export interface RestoredArchive {
  /** ISO 8601. */
  readonly at: string;
  /** The file, as it was called then. */
  readonly archive: string;
}

/**
 * Demands that this host has not restored that archive.
 *
 * @throws PhaulError `archive-used`
 */
export async function requireUnused(stateDir: string, id: string): Promise<void> {
  const text = await Deno.readTextFile(pathOf(stateDir, id)).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (text === undefined) return;
  throw new PhaulError(
    "archive-used",
    `Cannot restore archive ${id}: this host has restored it ${when(text)}`,
    {
      remedy: "Make sure that the process runs nowhere any more, then add --again",
    },
  );
}

/** Remembers, on the disk, that this host restores that archive from here on. */
export async function markUsed(stateDir: string, id: string, archive: string): Promise<void> {
  const dir = `${stateDir}/archives`;
  await ensureDirectory(dir);
  const mark: RestoredArchive = { at: new Date().toISOString(), archive };
  using file = await Deno.open(pathOf(stateDir, id), {
    ...{ write: true, create: true, truncate: true, mode: 0o600 },
  });
  const bytes = new TextEncoder().encode(`${JSON.stringify(mark)}\n`);
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
  await file.sync();
  using folder = await Deno.open(dir);
  await folder.sync();
}

function pathOf(stateDir: string, id: string): string {
  return `${stateDir}/archives/${id}`;
}

/** Cut off by a full disk or a power cut, it is a mark all the same. */
function when(text: string): string {
  try {
    const { at, archive }: RestoredArchive = JSON.parse(text);
    return `before (${at}, from "${archive}")`;
  } catch {
    return "before";
  }
}
