/**
 * Files that a tree has open, as its destination looks at them.
 *
 * @module
 */

import { PhaulError } from "../../errors.ts";
import { kindOf, lookAt, readBuildId, stepsTo } from "../../proc/mod.ts";
import type { FileFact, FileKind } from "../../wire/mod.ts";

/** What is made where it is missing; devices are the host's own. */
const MADE: readonly FileKind[] = ["file", "directory", "fifo", "socket"];

/**
 * Whether this host has `file` already: of the same kind, size and mode, and the same build, last change or
 * content.
 *
 * @throws PhaulError `file-differs`, `file-missing` for what is never put in place or replaced
 */
export async function isAlike(file: FileFact): Promise<boolean> {
  const { path, kind } = file;
  const info = lookAt(path);
  if (info === undefined) {
    if (MADE.includes(kind)) return false;
    throw new PhaulError(
      "file-missing",
      `Cannot take the tree in: "${path}", a ${kind}, is missing`,
    );
  }
  const there = kindOf(info);
  const isMode = ((info.mode ?? 0) & 0o7777) === file.mode;
  if (kind === "device" && there === "device") return true;
  // Who listens there would lose it.
  if (kind === "socket") return false;
  if (there === kind && isMode) {
    if (kind !== "file") return true;
    if (info.size === file.size && await hasContent(file, info)) return true;
  }
  if (kind !== "directory" && there !== "directory" && kind !== "device") return false;
  throw new PhaulError(
    "file-differs",
    `Cannot take the tree in: "${path}" is another ${there ?? "thing"} than the source's ${kind}`,
    { remedy: "Give it the mode that it has on the source, or move it away" },
  );
}

async function hasContent(file: FileFact, info: Deno.FileInfo): Promise<boolean> {
  if (file.buildId) return readBuildId(file.path)?.toHex() === file.buildId.toHex();
  if (file.modifiedMs !== undefined && info.mtime?.getTime() === file.modifiedMs) return true;
  return file.digest !== undefined && await digestOfFile(file.path) === file.digest.toHex();
}

/** SHA-256 of what a file holds, in hexadecimal digits; undefined when it cannot be read. */
export async function digestOfFile(path: string): Promise<string | undefined> {
  const content = await Deno.readFile(path).catch(() => undefined);
  if (content === undefined) return undefined;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", content)).toHex();
}

/** Removes from `root` all that is not to go to one of `targets`, and what has come as something odd. */
export function prune(root: string, targets: ReadonlySet<string>): void {
  const above = new Set([...targets].flatMap(stepsTo));
  pruneIn(root, "", targets, above);
}

function pruneIn(
  root: string,
  path: string,
  targets: ReadonlySet<string>,
  above: ReadonlySet<string>,
): void {
  for (const { name } of [...Deno.readDirSync(`${root}${path}`)]) {
    const below = `${path}/${name}`;
    const info = lookAt(`${root}${below}`);
    if (info?.isDirectory && above.has(below)) pruneIn(root, below, targets, above);
    else if (!targets.has(below) || !isMade(info)) {
      Deno.removeSync(`${root}${below}`, { recursive: true });
    }
  }
}

function isMade(info: Deno.FileInfo | undefined): boolean {
  const kind = info && kindOf(info);
  return kind !== undefined && MADE.includes(kind);
}
