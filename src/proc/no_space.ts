/**
 * A file system that is full.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

/** Whether a write failed for want of room: ENOSPC, or EDQUOT. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && /\(os error (28|122)\)/.test(error.message);
}

/** The error for it; `what` could not be written, and `flag` names another place. */
export function noSpace(what: string, flag: string, cause: unknown): PhaulError {
  return new PhaulError("no-space", `Cannot write ${what}: no space is left`, {
    remedy: `Make room there, or name another place with ${flag}`,
    cause,
  });
}

/**
 * Does `work`, which writes `what`.
 *
 * @throws PhaulError `no-space`; whatever else `work` throws
 */
export async function orNoSpace<T>(
  what: string,
  flag: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw isFull(cause) ? noSpace(what, flag, cause) : cause;
  }
}
