/**
 * Brings one area of the destination up to date, again and again, and the last time for good.
 *
 * @module
 */

import { PhaulError } from "../../errors.ts";
import type { Destination } from "../peer.ts";
import type { FileFigures } from "./phaul_files.ts";
import { RsyncClient, type RsyncRun } from "./rsync_client.ts";

/**
 * How much sooner than the last run began a file may have changed to be read again in the end: clocks of
 * file servers are not this host's, and times come in steps.
 */
const SLACK_MS = 10_000;

/** What all areas of a migration are brought over with. */
export interface SyncParts {
  readonly peer: Destination;
  readonly workDir: string;
  readonly stallMs: number;
  readonly onBytes: (bytes: number) => void;
}

/** What one area is made of. */
export interface AreaParts extends SyncParts {
  readonly area: number;
  readonly from: string;
  readonly to: string;
  readonly options: readonly string[];
}

/** One area. Disposing of it ends what was got ready. */
export class SyncArea implements Disposable {
  readonly #parts: AreaParts;
  #begunMs = 0;
  #armed: RsyncClient[] = [];
  #armedBy = new AbortController();

  constructor(parts: AreaParts) {
    this.#parts = parts;
  }

  /** Files that changed at this time or later, in milliseconds since 1970, may have been missed. */
  get suspectSinceMs(): number {
    return this.#begunMs - SLACK_MS;
  }

  /** While files may change. Once more when it fails: then the destination says why. */
  async whileRunning(signal: AbortSignal, only?: readonly string[]): Promise<FileFigures> {
    // By the kernel's clock, which gives files their times.
    const marker = `${this.#parts.workDir}/files-begun`;
    await Deno.writeTextFile(marker, "");
    this.#begunMs = (await Deno.stat(marker)).mtime?.getTime() ?? 0;
    return await this.#again(
      (run) => RsyncClient.start(run).go(false),
      this.#run(signal, only),
      false,
    );
  }

  /** Starts what the last run needs, which takes its time; that of the tree is more precious. */
  arm(signal: AbortSignal): void {
    const run = this.#run(AbortSignal.any([signal, this.#armedBy.signal]));
    this.#armed = [run, suspecting(run, [])].map((one) => RsyncClient.start(one));
    for (const client of this.#armed) client.connect();
  }

  /**
   * While nothing changes.
   *
   * @param suspects Paths that are compared whatever their times say.
   */
  async whileFrozen(
    signal: AbortSignal,
    suspects: readonly string[],
    only?: readonly string[],
  ): Promise<FileFigures> {
    const run = this.#run(signal, only);
    const all = await this.#again((one) => this.#ready(one).go(true), run, true);
    if (suspects.length === 0) return all;
    const begin = (one: RsyncRun) => this.#ready(one).go(true, suspects);
    return sumOf([all, await this.#again(begin, suspecting(run, suspects), true)]);
  }

  [Symbol.dispose](): void {
    this.#armedBy.abort(new PhaulError("cancelled", "Cannot bring files over: it was given up"));
    for (const client of this.#armed) client[Symbol.dispose]();
  }

  /** One that was got ready, or else a new one. */
  #ready(run: RsyncRun): RsyncClient {
    const armed = this.#armed.shift();
    return armed?.waits ? armed : RsyncClient.start(run);
  }

  #run(signal: AbortSignal, only?: readonly string[]): RsyncRun {
    const { peer, area, from, to, options, workDir, stallMs, onBytes } = this.#parts;
    const connect = async () => {
      const { ticket } = await peer.request({ type: "sync-files", area }, { signal });
      return await peer.open("files", ticket);
    };
    return { from, to, options, only, workDir, stallMs, onBytes, signal, connect };
  }

  async #again(
    begin: (run: RsyncRun) => Promise<FileFigures>,
    run: RsyncRun,
    settled: boolean,
  ): Promise<FileFigures> {
    try {
      return await begin(run);
    } catch (error) {
      if (run.signal.aborted || !(error instanceof PhaulError) || error.code !== "files-failed") {
        throw error;
      }
      return await RsyncClient.start(run).go(settled).catch((second) => {
        throw second instanceof PhaulError && second.code !== "files-failed" ? second : error;
      });
    }
  }
}

/** The same for some files, whatever their times say. */
function suspecting(run: RsyncRun, only: readonly string[]): RsyncRun {
  const options = [...run.options.filter((option) => option !== "--delete"), "--ignore-times"];
  return { ...run, options, only };
}

/** All of `figures` together. */
export function sumOf(figures: readonly FileFigures[]): FileFigures {
  const sum = (of: (one: FileFigures) => number) => figures.reduce((all, one) => all + of(one), 0);
  return {
    files: sum(({ files }) => files),
    bytes: sum(({ bytes }) => bytes),
    sentBytes: sum(({ sentBytes }) => sentBytes),
  };
}
