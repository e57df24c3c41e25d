/**
 * The cache of what the harness builds: `.cache/vm` in the repository, one folder per content key.
 * A folder appears by rename when it is complete, so an interrupted build leaves nothing usable.
 */

import { exists } from "./command.ts";

const REPOSITORY = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

/** A path inside the repository. */
export function repositoryPath(relative: string): string {
  return `${REPOSITORY}/${relative}`;
}

/** The cache folder, made when missing. */
export function cacheRoot(): string {
  const root = repositoryPath(".cache/vm");
  Deno.mkdirSync(root, { recursive: true });
  return root;
}

/** The first 16 hex digits of the SHA-256 over the parts. */
export async function contentKey(parts: readonly (string | Uint8Array)[]): Promise<string> {
  const encoder = new TextEncoder();
  const digests = await Promise.all(parts.map(async (part) => {
    const bytes = typeof part === "string" ? encoder.encode(part) : part;
    return hex(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
  }));
  const whole = encoder.encode(digests.join("\n"));
  return hex(await crypto.subtle.digest("SHA-256", whole)).slice(0, 16);
}

/**
 * The folder `KIND-KEY` of the cache, built by `build` into an empty folder when it is not there.
 * Processes that want the same kind wait for each other. Older folders of the kind are removed,
 * but for the `keep` newest.
 */
export async function cachedFolder(
  kind: string,
  key: string,
  build: (dir: string) => Promise<void>,
  keep = 2,
): Promise<string> {
  const root = cacheRoot();
  const final = `${root}/${kind}-${key}`;
  using lock = await Deno.open(`${root}/${kind}.lock`, { write: true, create: true });
  await lock.lock(true);
  if (exists(final)) {
    await Deno.utime(final, new Date(), new Date());
    return final;
  }
  const temporary = `${root}/tmp-${kind}`;
  await Deno.remove(temporary, { recursive: true }).catch(ignoreMissing);
  await Deno.mkdir(temporary);
  try {
    await build(temporary);
    await Deno.rename(temporary, final);
  } finally {
    await Deno.remove(temporary, { recursive: true }).catch(ignoreMissing);
  }
  await prune(root, kind, keep);
  return final;
}

async function prune(root: string, kind: string, keep: number): Promise<void> {
  const folders: { path: string; mtimeMs: number }[] = [];
  for await (const entry of Deno.readDir(root)) {
    if (!entry.isDirectory || !entry.name.startsWith(`${kind}-`)) continue;
    const path = `${root}/${entry.name}`;
    folders.push({ path, mtimeMs: (await Deno.stat(path)).mtime?.getTime() ?? 0 });
  }
  folders.sort((a, b) => b.mtimeMs - a.mtimeMs);
  for (const { path } of folders.slice(keep)) await Deno.remove(path, { recursive: true });
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

function hex(bytes: ArrayBuffer): string {
  return new Uint8Array(bytes).toHex();
}
