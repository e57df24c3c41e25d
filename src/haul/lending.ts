/**
 * The source's end of post-copy: memory that stays in the tree at the final dump is lent to the destination,
 * page by page, until it has all of it. The tree stands still meanwhile, and is what the pages are read from:
 * neither the criu that dumped it nor this phaul has anything that could be lost.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import type { LeftPages } from "../pages/mod.ts";
import { LateStream } from "../wire/mod.ts";
import { PAGE_BYTES } from "./admission.ts";
import { type IterationFigures, PROGRESS_MS } from "./events.ts";
import type { BandwidthLimits, MigrationMode, Timeouts } from "./options.ts";
import type { StopReason } from "../migrate/policy.ts";
import { LateSession } from "./late_session.ts";
import type { Destination } from "./peer.ts";
import type { Stages } from "./stages.ts";
import { CONNECTION_LOST, insist } from "./verdicts.ts";
import { paced } from "./wire_remote.ts";

/** Before a stream that broke is replaced: one that breaks at once must not keep the host busy. */
const PAUSE_MS = 200;
/** Of less than that nothing is learned. */
const WORTHWHILE_BYTES = 2 ** 20;

/** What a lending works with. */
export interface LendingParts {
  readonly migration: string;
  readonly peer: Destination;
  readonly stages: Stages;
  readonly timeouts: Timeouts;
  readonly bandwidth?: BandwidthLimits;
}

/** The memory of one tree, as far as it was left in it; becomes the owner of `left`. */
export class Lending implements Disposable {
  readonly #parts: LendingParts;
  readonly #left: LeftPages;
  #session: LateSession | undefined;
  #ticker: number | undefined;
  #bytesPerMs: number | undefined;
  /** The destination has all memory. */
  #complete = false;

  constructor(parts: LendingParts, left: LeftPages) {
    this.#parts = parts;
    this.#left = left;
  }

  /** Learns from an iteration how fast memory travels. */
  learn({ bytes, durationMs, final }: IterationFigures): void {
    if (!final && bytes >= WORTHWHILE_BYTES) this.#bytesPerMs = bytes / durationMs;
  }

  /** Tells what the tree depends on from the switchover on, and for how long. */
  announce(): void {
    const { stages, migration } = this.#parts;
    const bytes = this.#left.count * PAGE_BYTES;
    const rate = this.#bytesPerMs;
    const predicted = rate === undefined ? {} : { predictedMs: Math.round(bytes / rate) };
    stages.tell({ event: "lending", migration, bytes, ...predicted });
  }

  /**
   * Opens the stream; best before the tree is frozen.
   *
   * @throws PhaulError of the connection, or of the destination
   */
  async connect(): Promise<void> {
    const { peer, migration, bandwidth } = this.#parts;
    const { ticket } = await peer.request({ type: "fetch-late", migrationId: migration });
    this.#complete = !ticket;
    if (!ticket) return;
    const stream = paced(await peer.open("late", ticket), bandwidth?.preCopy);
    this.#session?.close();
    this.#session = new LateSession(
      new LateStream(stream, PAGE_BYTES),
      this.#left,
      () => stream.close(),
    );
  }

  /**
   * Begins to give what is asked for: the tree is frozen and dumped.
   *
   * @param tasks Its tasks, by the pids that CRIU knows them by and those of this host.
   * @param dir What a phaul that comes after this one has to know is written there.
   * @throws PhaulError `no-such-process`; Deno.errors.*
   */
  begin(tasks: readonly { readonly pid: number; readonly nsPid: number }[], dir: string): void {
    this.#left.write(dir);
    this.#left.open(new Map(tasks.map(({ pid, nsPid }) => [nsPid, pid])));
    this.#session?.serve();
  }

  /** The same for what another phaul has begun. */
  resume(tasks: readonly { readonly pid: number; readonly nsPid: number }[]): void {
    this.#left.open(new Map(tasks.map(({ pid, nsPid }) => [nsPid, pid])));
  }

  /**
   * Gives everything, over new connections if need be; resolves when the destination has all of it.
   *
   * @throws PhaulError `no-such-process` when the tree is gone; of the connection when it was in vain for
   * `commitMs`
   */
  async drain(): Promise<void> {
    this.#ticker = setInterval(() => this.#tell(), PROGRESS_MS);
    while (!this.#complete) {
      const session = this.#session ?? await this.#reconnected();
      const end = await session?.drain();
      if (!session || !end) break;
      this.#session = undefined;
      session.close();
      if (!CONNECTION_LOST.has(end.code)) throw end;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      this.#parts.stages.warn(
        `The process waits on ${this.#parts.peer.name} for memory that is still here, and gets it ` +
          `as soon as the link is back: ${end.message}`,
      );
    }
    this.#tell();
    clearInterval(this.#ticker);
  }

  /** Lets go of the tree's memory and of the link. */
  [Symbol.dispose](): void {
    clearInterval(this.#ticker);
    this.#session?.close();
    this.#left[Symbol.dispose]();
  }

  async #reconnected(): Promise<LateSession | undefined> {
    const { peer, timeouts } = this.#parts;
    const failure = await insist(peer, () => this.connect(), timeouts.commitMs);
    if (failure) throw failure.error;
    this.#session?.serve();
    return this.#session;
  }

  #tell(): void {
    const { stages, migration } = this.#parts;
    const session = this.#session;
    if (!session?.listed) return;
    const { pagesLeft, waited } = session;
    stages.tell({
      event: "draining",
      migration,
      pages: this.#left.count,
      pagesLeft,
      waits: waited.count,
      waitMedianUs: waited.medianUs,
      waitP99Us: waited.p99Us,
    });
  }
}

/** Whether memory is to stay behind, once pre-copy ended for that reason, if there was one. */
export function lends(mode: MigrationMode, reason: StopReason | undefined): boolean {
  if (mode === "post-copy" || mode === "hybrid") return true;
  return mode === "auto" && reason !== "few-pages" && reason !== "fits-budget";
}

/** The tree runs on the destination, and lacks memory that is here, or was. */
export function undrained(
  { migration, peer }: Pick<LendingParts, "migration" | "peer">,
  cause: unknown,
): PhaulError {
  const error = asPhaulError(cause);
  return new PhaulError(
    "in-doubt",
    `Cannot finish: the process runs on ${peer.name} without all its memory: ${error.message}`,
    {
      cause,
      remedy: error.remedy ??
        `It stands still where it needs more: phaul recover ${migration} here, ` +
          "once both hosts reach each other",
    },
  );
}
