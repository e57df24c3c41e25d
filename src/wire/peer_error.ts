/**
 * Errors that a peer reports: its words are cleaned, its codes are checked.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

/** An error that the peer answered with, as against one that this side found out. */
export class RemoteError extends PhaulError {
  override readonly name = "RemoteError";
}
