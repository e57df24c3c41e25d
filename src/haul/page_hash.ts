/**
 * The running hash by which both sides of a page path know that they saw the same.
 *
 * XXH3 in its form of 128 bits: it finds what went wrong by accident, as well as any, at a fraction of the
 * cost of a cryptographic one, which took half of the whole path's time. Against forgery it is no
 * help, and none is needed: within TLS nobody can forge, and without TLS one who forges pages forges the
 * hash as well.
 *
 * @module
 */

import { createXXHash128, type IHasher } from "hash-wasm";

/** One hash after the other. */
export class PageHash {
  readonly #hasher: IHasher;

  private constructor(hasher: IHasher) {
    this.#hasher = hasher;
  }

  /** Loads what it takes. */
  static async make(): Promise<PageHash> {
    return new PageHash(await createXXHash128());
  }

  /** Begins anew. */
  reset(): void {
    this.#hasher.init();
  }

  /** Takes the next bytes. */
  update(bytes: Uint8Array): void {
    this.#hasher.update(bytes);
  }

  /** Of all bytes since the beginning: 32 lower-case hex digits. Once for each beginning. */
  digest(): string {
    return this.#hasher.digest("hex");
  }
}
