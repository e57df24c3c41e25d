/** The archive format of an initial ramdisk ("newc"), written without a tool of that name. */

/** One entry of the archive; folders must come before what is in them. */
export interface CpioEntry {
  readonly path: string;
  /** Type and permission bits, as in stat(2). */
  readonly mode: number;
  readonly data?: Uint8Array;
}

/** Mode of a folder. */
export const FOLDER_MODE = 0o040755;
/** Mode of an executable file. */
export const PROGRAM_MODE = 0o100755;
/** Mode of a plain file. */
export const FILE_MODE = 0o100644;

/** The archive of the entries, uncompressed. */
export function cpioArchive(entries: readonly CpioEntry[]): Uint8Array {
  const parts: Uint8Array[] = [];
  entries.forEach((entry, index) => parts.push(...record(entry, index + 1)));
  parts.push(...record({ path: "TRAILER!!!", mode: 0 }, 0));
  const archive = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    archive.set(part, at);
    at += part.length;
  }
  return archive;
}

function record({ path, mode, data }: CpioEntry, inode: number): Uint8Array[] {
  const size = data?.length ?? 0;
  const fields = [inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, path.length + 1, 0];
  const digits = fields.map((value) => value.toString(16).padStart(8, "0")).join("");
  const head = new TextEncoder().encode(`070701${digits}${path}\0`);
  return [padded(head), padded(data ?? new Uint8Array())];
}

/** Header with name, and data, each end on a multiple of four bytes. */
function padded(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  out.set(bytes);
  return out;
}
