/**
 * Where the pages of an iteration end up on the destination.
 *
 * @module
 */

import { PhaulError, SyscallError } from "../errors.ts";
import { type Fd, PidFd, signalName } from "../sys/mod.ts";
import { logExcerpt } from "./log.ts";
import { noRoomAt } from "./no_room.ts";
import { isNoSpace, remedyFor } from "./known_messages.ts";
import { shutdownPages } from "./page_channel.ts";
import { CriuSession } from "./session.ts";

/** One iteration, as a sink takes it in. */
export interface SinkIteration {
  /** Where its images go. */
  readonly imagesDir: string;
  /** The iteration before, relative to the images dir. */
  readonly parentImg?: string;
}

/** Takes in page streams, one iteration after the other. */
export interface PageSink {
  /** Gets ready; when this resolves, pages may flow. */
  begin(iteration: SinkIteration): Promise<void>;
  /** Resolves when every page of the iteration lies in its images; throws when one does not. */
  end(): Promise<void>;
  /** Ends whatever is under way; returns once nothing of it runs any more. */
  abort(): Promise<void>;
  /** Rejects at the first iteration that fails before it was aborted; never resolves. */
  readonly failed: Promise<never>;
}

const LOG_FILE = "page-server.log";

/** CRIU's own page server: one process, child of a criu of its own, for each iteration. */
export class CriuPageServer implements PageSink {
  readonly #criuPath: string;
  readonly #memory: Fd;
  readonly #failure = Promise.withResolvers<never>();
  #starting: CriuSession | undefined;
  #running: RunningServer | undefined;

  /** @param memory CRIU's end of the page channel; stays the caller's. */
  constructor(criuPath: string, memory: Fd) {
    this.#criuPath = criuPath;
    this.#memory = memory;
    this.#failure.promise.catch(() => {});
  }

  /** As {@linkcode PageSink.failed}; the page channel is shut down by then. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  /** @throws CriuError, SyscallError; PhaulError `internal` while an iteration is under way */
  async begin(iteration: SinkIteration): Promise<void> {
    if (this.#running || this.#starting) {
      throw new PhaulError("internal", "Cannot take pages in: the iteration before did not end");
    }
    const session = CriuSession.start(this.#criuPath, { inherit: [this.#memory] });
    this.#starting = session;
    const running = await RunningServer.start(session, iteration, this.#memory)
      .finally(() => this.#starting = undefined);
    this.#running = running;
    running.ended.catch((error) => {
      if (this.#running !== running) return;
      this.#failure.reject(error);
      // The page server is gone, but this process and the peer's CRIU hold the socket: without this they
      // would wait for answers for ever, and the source would stay frozen.
      shutdownPages(this.#memory);
    });
  }

  /** @throws PhaulError `criu-failed` */
  async end(): Promise<void> {
    try {
      // The page server says that it is done before it closes its last image: only its end counts.
      await this.#running?.ended;
    } finally {
      this.#running?.close();
      this.#running = undefined;
    }
  }

  /** A `begin` that is under way fails; what it may have started all the same is for another `abort`. */
  async abort(): Promise<void> {
    this.#starting?.close();
    const running = this.#running;
    this.#running = undefined;
    running?.close();
    await running?.ended.catch(() => {});
  }
}

/** One page server and the criu that waits for it. */
class RunningServer {
  /** Resolves when all pages lie in the images. */
  readonly ended: Promise<void>;
  readonly #session: CriuSession;
  readonly #server: PidFd | undefined;

  private constructor(session: CriuSession, pid: number, logPath: string) {
    this.#session = session;
    this.#server = openUnlessGone(pid);
    this.ended = awaitEnd(session, pid, logPath);
  }

  /** Takes over `session`. */
  static async start(
    session: CriuSession,
    { imagesDir, parentImg }: SinkIteration,
    memory: Fd,
  ): Promise<RunningServer> {
    using stack = new DisposableStack();
    stack.use(session);
    const options = { imagesDir, parentImg, pageServerFd: memory, logFile: LOG_FILE };
    const { pid } = await session.startPageServer(options);
    const running = new RunningServer(session, pid, `${imagesDir}/${LOG_FILE}`);
    stack.move();
    return running;
  }

  /** Ends both, whatever they are at: the page server outlives a criu that was killed. */
  close(): void {
    this.#session.close();
    if (!this.#server || this.#server.closed) return;
    try {
      if (!this.#server.dead) this.#server.signal("SIGKILL");
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    } finally {
      this.#server.close();
    }
  }
}

function openUnlessGone(pid: number): PidFd | undefined {
  try {
    return PidFd.open(pid);
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}

async function awaitEnd(session: CriuSession, pid: number, logPath: string): Promise<void> {
  const status = await session.waitPageServer(pid);
  await session.exited;
  if (status === 0) return;
  const { reason } = await logExcerpt(logPath);
  const why = reason ?? await noRoomAt(logPath) ?? `CRIU's page server ${endOf(status)}`;
  throw new PhaulError(
    isNoSpace(why) ? "no-space" : "criu-failed",
    `Cannot take pages in: ${why}`,
    {
      remedy: remedyFor(why),
    },
  );
}

/** In words, from the status word of waitpid(2). */
function endOf(status: number): string {
  const signal = status & 0x7f;
  return signal === 0
    ? `ended with exit code ${(status >> 8) & 0xff}`
    : `was killed by ${signalName(signal)}`;
}
