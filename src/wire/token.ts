/**
 * The join token: what a source must hold to reach one destination and to be let in.
 *
 * @module
 */

/** The two halves of a join token, 32 bytes each. */
export interface JoinToken {
  /** SHA-256 of the destination's certificate (DER). */
  readonly certificateSha256: Uint8Array;
  /** Known to both sides, proved by HMAC, never sent. */
  readonly secret: Uint8Array;
}

/** `token` as one line of text without a line feed: `phaul1:` and base64url. */
export function formatToken(_token: JoinToken): string {
  throw new Error("under construction");
}

/**
 * The token in `text`; white space around it is allowed.
 *
 * @throws PhaulError `wrong-token` when it is malformed; the text itself is never quoted
 */
export function parseToken(_text: string): JoinToken {
  throw new Error("under construction");
}

/**
 * The token in the file `path`.
 *
 * @throws PhaulError `wrong-token` when the file is missing, malformed or open to others
 */
export function readToken(_path: string): Promise<JoinToken> {
  return Promise.reject(new Error("under construction"));
}
