/**
 * Text of others on a terminal.
 *
 * @module
 */

/** What steers a terminal, or makes one line look like two. */
const STEERING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** `text` as one line that steers nothing. */
export function oneLine(text: string): string {
  return text.replace(STEERING, " ");
}
