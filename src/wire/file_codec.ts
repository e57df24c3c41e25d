/**
 * Files that a tree needs, as fields of proto/phaul.proto, and out of a peer's.
 *
 * @module
 */

import type { Fields } from "./fields.ts";
import type { FileFact } from "./messages.ts";
import { fileKinds, inverted } from "./vocabulary.ts";

/** The kernel's PID_MAX_LIMIT on 64-bit machines. */
export const maxPid = 4 * 1024 * 1024;
/** The most files that one message names. */
export const maxFiles = 65_536;
/** The kernel's PATH_MAX. */
export const maxPathLength = 4096;
// Linkers write 16 to 20 bytes.
const maxBuildIdBytes = 64;
// SHA-256.
const digestBytes = 32;

/** A path from the root on. */
export const absolutePath = /^\/[^\0]*$/;
const kindNames = inverted(fileKinds);

/** The fields of `file`. */
export function fileFields({ kind, ...same }: FileFact): Readonly<Record<string, unknown>> {
  return { ...same, kind: fileKinds[kind] };
}

/** Throws PhaulError `protocol`. */
export function readFile(fields: Fields): FileFact {
  const kind = fields.choice("kind", kindNames);
  // What is no file is never opened for one.
  const buildId = fields.someBytes("buildId", kind === "file" ? maxBuildIdBytes : 0);
  const modifiedMs = fields.integer("modifiedMs", 0, Number.MAX_SAFE_INTEGER);
  const digest = fields.optionalBytes("digest", digestBytes);
  return {
    path: fields.text("path", maxPathLength, absolutePath),
    size: fields.integer("size", 0, Number.MAX_SAFE_INTEGER),
    kind,
    mode: fields.integer("mode", 0, 0o7777),
    appendOnly: fields.flag("appendOnly"),
    ...(buildId.length === 0 ? {} : { buildId }),
    ...(modifiedMs === 0 ? {} : { modifiedMs }),
    ...(digest ? { digest } : {}),
  };
}
