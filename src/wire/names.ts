/**
 * The one validator of file names that come from a peer.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

const maxNameLength = 255;
const allowed = /^[A-Za-z0-9._-]+$/;

/**
 * `name` itself when it may become a file in an images directory.
 *
 * CRIU's own names use letters, digits, `-`, `_` and `.` only, so nothing legitimate is lost and no
 * slash, NUL or terminal escape can come through.
 *
 * @throws PhaulError `protocol` for anything else, and for `.` and `..`
 */
export function validateImageName(name: string): string {
  const good = name.length <= maxNameLength && allowed.test(name) && name !== "." && name !== "..";
  if (good) return name;
  const shown = JSON.stringify(name.slice(0, 40));
  throw new PhaulError("protocol", `Cannot take the image ${shown}: its name is not acceptable`);
}
