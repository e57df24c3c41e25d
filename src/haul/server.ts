/**
 * The destination's server: takes in the pages of each iteration.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { CriuPageServer, type Fd, findCriu, type PageSink } from "../criu/mod.ts";
import { iterationDir } from "./client.ts";
import type { PhaulRemote } from "./config.ts";
import { makeImagesDir } from "./work_dir.ts";

/** One migration, seen from the destination. */
export interface PhaulServerConfig {
  /**
   * The memory channel: the other end of {@linkcode PhaulConfig.memory}. It stays the caller's. Not used
   * with a sink of one's own.
   */
  readonly memory?: Fd;
  /** An existing, empty directory: images of iteration N go to `N` below it. */
  readonly workDir: string;
  /** The criu to drive; looked for on PATH when not given. */
  readonly criuPath?: string;
  /** Where the pages go; CRIU's own page server unless given. */
  readonly sink?: PageSink;
}

/**
 * Receives a migration's memory. Whatever RPC the caller has calls `startIter` and `stopIter` here when
 * the source's client calls them on its side.
 */
export class PhaulServer implements PhaulRemote {
  readonly #config: PhaulServerConfig;
  #sink: PageSink | undefined;
  #iterations = 0;
  #open = false;
  #aborts = 0;

  constructor(config: PhaulServerConfig) {
    this.#config = config;
  }

  /**
   * Images of the last iteration: a restore reads them here, once the source's own images lie there too.
   *
   * @throws PhaulError `internal` when nothing was received
   */
  get lastImagesDir(): string {
    if (this.#iterations === 0) {
      throw new PhaulError(
        "internal",
        "Cannot name the last images dir: no iteration was received",
      );
    }
    return iterationDir(this.#config.workDir, this.#iterations);
  }

  /**
   * Rejects when the pages cannot be taken any more; never resolves.
   */
  get failed(): Promise<never> {
    return this.#sink?.failed ?? new Promise<never>(() => {});
  }

  /**
   * Takes in the pages of the next iteration.
   *
   * @throws PhaulError `criu-failed`, `directory-unusable`; `protocol` when one is still open;
   * `cancelled` when it is aborted meanwhile
   */
  async startIter(): Promise<void> {
    if (this.#open) {
      throw new PhaulError("protocol", "Cannot start an iteration: the one before did not end");
    }
    const aborts = this.#aborts;
    this.#sink ??= this.#config.sink ?? await this.#pageServer();
    const iteration = this.#iterations + 1;
    const imagesDir = iterationDir(this.#config.workDir, iteration);
    await makeImagesDir(imagesDir);
    if (this.#aborts !== aborts) {
      throw new PhaulError("cancelled", "Cannot start an iteration: it was given up meanwhile");
    }
    await this.#sink.begin({
      imagesDir,
      parentImg: iteration > 1 ? `../${iteration - 1}` : undefined,
    });
    this.#iterations = iteration;
    this.#open = true;
  }

  async #pageServer(): Promise<PageSink> {
    const { memory, criuPath } = this.#config;
    if (memory) return new CriuPageServer(await findCriu(criuPath), memory);
    throw new PhaulError("internal", "Cannot take pages in without a memory channel or a sink");
  }

  /**
   * Waits until every page of the iteration lies in its images dir.
   *
   * @throws PhaulError `criu-failed` when the page server failed
   */
  async stopIter(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#sink?.end();
  }

  /** Ends a page server that still runs; images stay where they are. */
  async abort(): Promise<void> {
    this.#aborts++;
    this.#open = false;
    await this.#sink?.abort();
  }
}
