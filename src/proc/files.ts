/**
 * The files that a process tree needs on the destination.
 *
 * @module
 */

import { readBuildId } from "./build_id.ts";
import { type Descriptor, isAppendOnly } from "./descriptors.ts";
import type { TreeProcess } from "./listing.ts";
import { listNames, PROC_ROOT, readLink, statOf, unlessGone } from "./procfs.ts";

const DELETED = " (deleted)";
/** What lies here is the kernel's; terminals are looked at elsewhere. */
const KERNEL_PATHS = /^\/(proc|sys)(\/|$)|^\/dev\/(pts\/|ptmx$|tty|console$)/;

/** Whether what lies at `path` is the kernel's: to read it may wait, or do something. */
export function isKernelPath(path: string): boolean {
  return KERNEL_PATHS.test(path);
}

/** What kind of file a path names. */
export type FileKind = "file" | "directory" | "device" | "fifo" | "socket";

/** What the tree does with a file. */
export type FileUse = "exe" | "library" | "open" | "cwd" | "root";

/** A file that must exist on the destination, as the tree sees it. */
export interface FileFact {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** Bytes; 0 for what is not a regular file. */
  readonly size: number;
  /** Permission bits (0o7777). */
  readonly mode: number;
  readonly kind: FileKind;
  readonly use: FileUse;
  /** Open for appending only, as a log is: CRIU does not ask for the same size then. */
  readonly appendOnly: boolean;
  /** Of a program or library, where it has one. */
  readonly buildId?: Uint8Array;
}

/** A link of /proc that leads to a file, and the path that the kernel gives for it. */
interface Reference {
  readonly link: string;
  readonly path: string;
  readonly use: FileUse;
  readonly appendOnly: boolean;
}

/** What a path is. */
export function kindOf(info: Deno.FileInfo): FileKind | undefined {
  if (info.isFile) return "file";
  if (info.isDirectory) return "directory";
  if (info.isCharDevice || info.isBlockDevice) return "device";
  if (info.isFifo) return "fifo";
  return info.isSocket ? "socket" : undefined;
}

/**
 * The files that the tree runs, maps, has open, works in or has as its root. Left out are deleted
 * files, which travel inside the images, files of the kernel, and those on mounts that only the tree
 * sees.
 */
export function collectFiles(
  processes: readonly TreeProcess[],
  descriptors: readonly Descriptor[],
  procRoot: string = PROC_ROOT,
): FileFact[] {
  const facts = new Map<string, FileFact>();
  for (const { pid } of processes) {
    const own = descriptors.filter((descriptor) => descriptor.pid === pid);
    const references = [
      ...linked(pid, procRoot),
      ...opened(own, procRoot),
      ...mapped(pid, procRoot),
    ];
    const sharesMounts =
      readLink(`${procRoot}/${pid}/ns/mnt`) === readLink(`${PROC_ROOT}/self/ns/mnt`);
    for (const reference of references) {
      const known = facts.get(reference.path);
      // One descriptor that does not append is enough for CRIU to compare the size.
      if (known !== undefined && (!known.appendOnly || reference.appendOnly)) continue;
      const fact = factOf(reference, sharesMounts);
      if (fact !== undefined) facts.set(reference.path, { ...fact, use: known?.use ?? fact.use });
    }
  }
  return [...facts.values()];
}

function linked(pid: number, procRoot: string): Reference[] {
  return (["exe", "cwd", "root"] as const).flatMap((use) => {
    const link = `${procRoot}/${pid}/${use}`;
    const path = readLink(link);
    return path === undefined ? [] : [{ link, path, use, appendOnly: false }];
  });
}

function opened(descriptors: readonly Descriptor[], procRoot: string): Reference[] {
  return descriptors.map((descriptor) => ({
    link: `${procRoot}/${descriptor.pid}/fd/${descriptor.fd}`,
    path: descriptor.target,
    use: "open",
    appendOnly: isAppendOnly(descriptor),
  }));
}

/** The links of map_files, not the text of maps: that one writes odd characters as octal. */
function mapped(pid: number, procRoot: string): Reference[] {
  const directory = `${procRoot}/${pid}/map_files`;
  const byPath = new Map<string, Reference>();
  for (const name of listNames(directory)) {
    const path = readLink(`${directory}/${name}`);
    if (path === undefined || byPath.has(path)) continue;
    byPath.set(path, { link: `${directory}/${name}`, path, use: "library", appendOnly: false });
  }
  return [...byPath.values()];
}

function factOf(reference: Reference, sharesMounts: boolean): FileFact | undefined {
  const { link, path, use, appendOnly } = reference;
  if (!path.startsWith("/") || KERNEL_PATHS.test(path)) return undefined;
  // Through the link: it leads to the very file, whatever lies at its path now.
  const info = statOf(link);
  const kind = info === undefined ? undefined : kindOf(info);
  if (info === undefined || kind === undefined || info.nlink === 0) return undefined;
  const suspicious = path.endsWith(DELETED) || !sharesMounts;
  if (suspicious && !isSameFile(info, path)) return undefined;
  const program = kind === "file" && (use === "exe" || use === "library");
  const buildId = program ? readBuildId(link) : undefined;
  return {
    ...(buildId === undefined ? {} : { buildId }),
    path,
    size: kind === "file" ? info.size : 0,
    mode: (info.mode ?? 0) & 0o7777,
    kind,
    use,
    appendOnly,
  };
}

function isSameFile(info: Deno.FileInfo, path: string): boolean {
  const found = unlessGone(() => Deno.lstatSync(path));
  return found !== undefined && found.dev === info.dev && found.ino === info.ino;
}
