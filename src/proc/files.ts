/**
 * The files that a process tree needs on the destination.
 *
 * @module
 */

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
}
