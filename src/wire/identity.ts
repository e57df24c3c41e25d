/**
 * The destination's identity: a certificate, its key and the join token that pins it.
 *
 * @module
 */

import type { JoinToken } from "./token.ts";

/** What `phaul serve` proves itself with; stays in its state directory. */
export interface Identity {
  readonly certPem: string;
  readonly keyPem: string;
  readonly token: JoinToken;
}

/** The file below the state directory that the operator copies to the source. */
export const tokenFileName = "join-token";

/**
 * Reads the identity below `stateDir`, or makes it at the first start, together with the join token
 * file. Two first starts at once agree on one identity.
 *
 * @throws PhaulError `directory-unusable`
 */
export function loadIdentity(_stateDir: string): Promise<Identity> {
  return Promise.reject(new Error("under construction"));
}
