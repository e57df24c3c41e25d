/**
 * How many migrations a destination lets begin.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

/**
 * Counts the migrations that are about to begin. They are examined for a while before there is anything
 * of them that others could see: without this two sources could begin under one id meanwhile, one source
 * twice over one connection, and any number of them beyond the limit.
 */
export class Places {
  readonly #maxMigrations: number;
  readonly #entering = new Map<string, object>();

  /** @param maxMigrations How many may be under way at once. */
  constructor(maxMigrations: number) {
    this.#maxMigrations = maxMigrations;
  }

  /**
   * Takes a place for `migration`, until what is returned is disposed of.
   *
   * @param link Whatever stands for the connection that it comes over.
   * @param underWay How many have begun and not ended.
   * @throws PhaulError `protocol` for a second one, `busy`
   */
  enter(migration: string, link: object, underWay: number): Disposable {
    if (this.#entering.has(migration)) {
      throw new PhaulError("protocol", `Cannot begin migration ${migration} twice`);
    }
    if ([...this.#entering.values()].includes(link)) {
      throw new PhaulError("protocol", "Cannot begin: this connection has a migration");
    }
    if (underWay + this.#entering.size >= this.#maxMigrations) throw this.#full();
    this.#entering.set(migration, link);
    return { [Symbol.dispose]: () => void this.#entering.delete(migration) };
  }

  #full(): PhaulError {
    return new PhaulError(
      "busy",
      `Cannot take another migration in: ${this.#maxMigrations} may be under way at once`,
      { remedy: "Wait until one has ended, or raise --max-migrations of the destination" },
    );
  }
}
