/**
 * A frozen tree in one file.
 *
 * @module
 */

export { extractArchive, verifyArchive } from "./file.ts";
export { ARCHIVE_VERSION, Entry, type Manifest } from "./format.ts";
export { discardArchive, isArchive, partialOf, publishArchive } from "./names.ts";
export { type ArchiveContents, ArchiveReader } from "./reader.ts";
export { ArchiveWriter } from "./writer.ts";
