/**
 * What is wrong with an archive, as errors.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

/** The archive cannot be believed; `why` is the part of a sentence that says so. */
export function damaged(why: string, cause?: unknown): PhaulError {
  return new PhaulError("archive-damaged", `Cannot use the archive: ${why}`, {
    remedy: "Copy it anew from where it is whole (sha256sum tells whether two copies are alike); " +
      "nothing was started from this one",
    cause,
  });
}

/** A later phaul wrote it. */
export function tooNew(version: number, own: number): PhaulError {
  return new PhaulError(
    "version-mismatch",
    `Cannot use the archive: its format is version ${version}, and this phaul knows ${own}`,
    { remedy: "Restore it by the phaul that wrote it, or by a later one" },
  );
}
