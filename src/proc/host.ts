/**
 * What phaul needs of the host it runs on: root, directories, room.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import { PhaulError } from "../errors.ts";
import { readText } from "./procfs.ts";

/** TMPFS_MAGIC and RAMFS_MAGIC of the kernel's magic.h. */
const MEMORY_FILESYSTEMS = [0x01021994, 0x858458f6];

/**
 * Demands root.
 *
 * @param operation what cannot be done otherwise, for the message: `migrate process 4711`
 * @throws PhaulError `not-root`
 */
export function requireRoot(operation: string): void {
  const uid = Deno.uid();
  if (uid === 0) return;
  throw new PhaulError("not-root", `Cannot ${operation}: phaul runs as user ${uid}`, {
    remedy: "Run it as root, for example with sudo",
  });
}

/**
 * Makes sure that `path` is a directory of ours that nobody else can write to; makes it, with missing
 * parents, with mode 0700. The mode of one that exists is left alone: it may be anybody's /tmp.
 *
 * @throws PhaulError `directory-unusable`
 */
export async function ensureDirectory(path: string): Promise<void> {
  let info = await describe(path);
  if (info === undefined) {
    await attempt(path, () => Deno.mkdir(path, { recursive: true, mode: 0o700 }));
    // Looked at again, not trusted: another may have been faster.
    info = await describe(path);
  }
  if (info?.isSymlink) throw unusable(path, "it is a symbolic link", "Name the directory itself");
  if (!info?.isDirectory) throw unusable(path, "it is not a directory", "Name another place");
  if (info.uid !== Deno.uid()) {
    throw unusable(
      path,
      `it belongs to user ${info.uid}`,
      `Name another, or run: chown root ${path}`,
    );
  }
  if (((info.mode ?? 0) & 0o022) !== 0) {
    throw unusable(path, "others can write to it", "Name a directory inside it, to be made");
  }
  // Whoever owns the directory above could put another in its place.
  const parent = await attempt(path, () => Deno.stat(`${path}/..`));
  if (parent.uid !== 0 && parent.uid !== Deno.uid()) {
    throw unusable(path, `the directory above belongs to user ${parent.uid}`, "Name another place");
  }
  const probe = await attempt(path, () => Deno.makeTempFile({ dir: path, prefix: ".phaul-" }));
  await Deno.remove(probe);
}

/** Names this boot of the host: start times of processes compare within one only. */
export function bootId(): string {
  return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
}

/** True when `path`, which must exist, lies in memory (tmpfs or ramfs). */
export async function isTmpfs(path: string): Promise<boolean> {
  const { type } = await attempt(path, () => statfs(path));
  return MEMORY_FILESYSTEMS.includes(type);
}

/** Bytes that an ordinary user could still write where `path`, which must exist, lies. */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await attempt(path, () => statfs(path));
  return bavail * bsize;
}

/**
 * Bytes that could still be written where `path`, which must exist, lies; on tmpfs no more than memory
 * and swap can hold, since the kernel would end processes for the rest.
 */
export async function roomIn(path: string): Promise<number> {
  const free = await freeBytes(path);
  if (!await isTmpfs(path)) return free;
  const { MemAvailable: memory, SwapFree: swap = 0 } = parseMeminfo(
    readText("/proc/meminfo") ?? "",
  );
  return memory === undefined ? free : Math.min(free, memory + swap);
}

/** /proc/meminfo: what each line tells in kB, as bytes. */
function parseMeminfo(text: string): Readonly<Record<string, number>> {
  const lines = text.matchAll(/^(\w+): +(\d+) kB$/gm);
  return Object.fromEntries(Array.from(lines, ([, name, kib]) => [name, Number(kib) * 1024]));
}

async function describe(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    // With a slash at its end a symbolic link would be followed.
    return await Deno.lstat(path.replace(/(?<=.)\/+$/, ""));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw unusable(path, reasonOf(error), "Name another place", error);
  }
}

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw unusable(
      path,
      reasonOf(error),
      "Make room there, or name another place with --work-dir",
      error,
    );
  }
}

function unusable(path: string, why: string, remedy: string, cause?: unknown): PhaulError {
  return new PhaulError("directory-unusable", `Cannot use directory "${path}": ${why}`, {
    remedy,
    cause,
  });
}

/** Deno ends its messages with the call and the path, which stand in ours already. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/ \(os error \d+\).*$/s, "");
}
