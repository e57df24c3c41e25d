/**
 * Where the pages of an iteration end up on the destination.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { Fd } from "../sys/mod.ts";
import { logExcerpt } from "./log.ts";
import { CriuSession } from "./session.ts";

/** One iteration, as a sink takes it in. */
export interface SinkIteration {
  /** Where its images go. */
  readonly imagesDir: string;
  /** The iteration before, relative to the images dir. */
  readonly parentImg?: string;
  /** CRIU's end of the page channel. */
  readonly fd: Fd;
  /** A name without a folder, for a log in the images dir. */
  readonly logFile: string;
}

/** Takes in page streams, one iteration after the other. */
export interface PageSink {
  /** Gets ready; when this resolves, pages may flow. */
  begin(iteration: SinkIteration): Promise<void>;
  /** Resolves when every page of the iteration lies in its images. */
  end(): Promise<void>;
  /** Ends whatever is under way. */
  abort(): Promise<void>;
  /** Rejects when the sink of the current iteration fails; never resolves. */
  readonly failed: Promise<never>;
}

/** CRIU's own page server: one process, child of a criu of its own, for each iteration. */
export class CriuPageServer implements PageSink {
  readonly #criuPath: string;
  #session: CriuSession | undefined;
  #status: Promise<void> | undefined;
  #failure = Promise.withResolvers<never>();

  constructor(criuPath: string) {
    this.#criuPath = criuPath;
    this.#failure.promise.catch(() => {});
  }

  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  async begin({ imagesDir, parentImg, fd, logFile }: SinkIteration): Promise<void> {
    const session = CriuSession.start(this.#criuPath, { inherit: [fd] });
    this.#session = session;
    const { pid } = await session.startPageServer({
      imagesDir,
      parentImg,
      pageServerFd: fd,
      logFile,
    });
    this.#status = this.#watch(session, pid, `${imagesDir}/${logFile}`);
    this.#status.catch((error) => this.#failure.reject(error));
  }

  async end(): Promise<void> {
    // The page server says that it is done before it closes its last image: only its end counts.
    await this.#status;
    this.#session?.close();
    this.#session = undefined;
  }

  async abort(): Promise<void> {
    this.#session?.close();
    this.#session = undefined;
    await this.#status?.catch(() => {});
  }

  async #watch(session: CriuSession, pid: number, logPath: string): Promise<void> {
    const status = await session.waitPageServer(pid);
    if (status === 0) return;
    const { reason } = await logExcerpt(logPath);
    throw new PhaulError(
      "criu-failed",
      `Cannot take pages in: ${reason ?? `CRIU's page server ended with status ${status}`}`,
    );
  }
}
