/**
 * The proofs of both sides that they hold the join token's secret.
 *
 * @module
 */

import { createHmac, timingSafeEqual } from "node:crypto";

/** Who proves. In the proof, so that neither side's can be sent back to it as the other's. */
export type Prover = "source" | "destination";

/** What a proof is about. */
export interface ProofSubject {
  readonly version: number;
  readonly kind: string;
  /** 32 bytes of the side that dialled. */
  readonly sourceNonce: Uint8Array;
  /** 32 bytes of the side that listens. */
  readonly destinationNonce: Uint8Array;
}

/** The length in bytes of nonces and proofs. */
export const proofBytes = 32;

/** HMAC-SHA-256 of the subject under `secret`, made for or expected from `prover`. */
export function makeProof(secret: Uint8Array, prover: Prover, subject: ProofSubject): Uint8Array {
  const { version, kind, sourceNonce, destinationNonce } = subject;
  // Each part has a fixed length or an end that cannot occur in it, so no two subjects are alike.
  const label = `phaul proof\n${version}\n${prover}\n${kind}\n`;
  const hmac = createHmac("sha256", secret).update(label);
  return Uint8Array.from(hmac.update(sourceNonce).update(destinationNonce).digest());
}

/** True when `proof` is `prover`'s; takes the same time whatever it is. */
export function checkProof(
  proof: Uint8Array,
  secret: Uint8Array,
  prover: Prover,
  subject: ProofSubject,
): boolean {
  const expected = makeProof(secret, prover, subject);
  return proof.length === expected.length && timingSafeEqual(proof, expected);
}

/** 32 fresh random bytes. */
export function makeNonce(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(proofBytes));
}
