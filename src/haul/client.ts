/**
 * The source's client: iterates pre-dumps, then hands over to the local engine.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import {
  CriuError,
  type CriuOptions,
  type CriuSession,
  readDumpStats,
  requireCriu,
  shutdownPages,
} from "../criu/mod.ts";
import type { IterationSample } from "../migrate/forecast.ts";
import type { StopReason } from "../migrate/policy.ts";
import type {
  ClientReport,
  IterationTraffic,
  PhaulConfig,
  PhaulLocal,
  PhaulRemote,
} from "./config.ts";
import { Convergence } from "./convergence.ts";
import type { IterationFigures } from "./events.ts";
import { type CriuFlags, mayLend, NO_CRIU_FLAGS } from "./options.ts";
import { openSession } from "./criu_session.ts";
import { makeImagesDir } from "./work_dir.ts";

/** How long CRIU may take to give up before it is killed, which lets the tree run as well. */
const KILL_AFTER_MS = 10_000;

/** The images dir of iteration `iteration`, from 1. */
export function iterationDir(workDir: string, iteration: number): string {
  return `${workDir}/${iteration}`;
}

/** The images dir that follows `lastImagesDir`, or the first one; the client has made it. */
export function nextImagesDir(workDir: string, lastImagesDir: string | undefined): string {
  const last = Number(lastImagesDir?.slice(lastImagesDir.lastIndexOf("/") + 1) ?? 0);
  return iterationDir(workDir, last + 1);
}

/** CRIU's options that every dump of a migration shares. */
export function dumpOptions(
  config: PhaulConfig,
  imagesDir: string,
  lastImagesDir: string | undefined,
): CriuOptions {
  const flags: CriuFlags = config.criu ?? NO_CRIU_FLAGS;
  return {
    pid: config.pid,
    imagesDir,
    workDir: imagesDir,
    // CRIU wants it relative to the images dir.
    parentImg: lastImagesDir && `../${lastImagesDir.slice(lastImagesDir.lastIndexOf("/") + 1)}`,
    pageServerFd: config.memory,
    tcpEstablished: flags.tcpEstablished,
    tcpClose: flags.tcpClose,
    shellJob: flags.shellJob,
    extUnixSk: flags.extUnixSk,
    fileLocks: flags.fileLocks,
    linkRemap: flags.linkRemap,
    ghostLimit: flags.ghostLimitBytes,
    manageCgroupsMode: flags.manageCgroupsMode,
    external: flags.external,
  };
}

/**
 * Moves the process tree `config.pid`: memory is copied while it runs, over several pre-dumps, until
 * little is left or it no longer helps; then `local` dumps, copies and restores.
 */
export class PhaulClient {
  readonly #local: PhaulLocal;
  readonly #remote: PhaulRemote;
  readonly #config: PhaulConfig;
  readonly #figures: IterationFigures[] = [];
  readonly #convergence: Convergence;
  #decidedAtMs = performance.now();
  #leadMs = 0;
  #stopReason: StopReason | undefined;

  constructor(local: PhaulLocal, remote: PhaulRemote, config: PhaulConfig) {
    this.#local = local;
    this.#remote = remote;
    this.#config = config;
    this.#convergence = new Convergence(config);
  }

  /**
   * Migrates. When it throws before the local engine took over, the tree was only pre-dumped and runs
   * on; what the engine's own failure means is the engine's to say.
   *
   * @throws PhaulError `criu-missing`, `criu-too-old`, `criu-failed`, `cancelled`; whatever `local` and
   * `remote` throw
   */
  async migrate(): Promise<ClientReport> {
    const { memory, signal } = this.#config;
    using session = await openSession(this.#config, memory && [memory]);
    let lastResort: number | undefined;
    const giveUp = () => {
      // CRIU gives up cleanly, and lets the tree run, when its page channel is shut down.
      if (memory) shutdownPages(memory);
      lastResort = setTimeout(() => session.kill(), KILL_AFTER_MS);
    };
    signal?.addEventListener("abort", giveUp);
    try {
      throwIfAborted(signal);
      const last = await this.#preCopy(session);
      await this.#local.beforeSwitchover?.(this.#stopReason);
      await this.#switchOver(session, last);
    } catch (error) {
      this.#releaseThrottle();
      await this.#remote.abort();
      throw signal?.aborted ? asPhaulError(signal.reason) : error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
      clearTimeout(lastResort);
    }
    return {
      iterations: this.#figures,
      stopReason: this.#stopReason,
      predictedMs: this.#convergence.forecast?.switchoverMs,
    };
  }

  #releaseThrottle(): void {
    try {
      this.#config.throttle?.release();
    } catch {
      // Why the migration is given up matters more; the throttle is its giver's to end.
    }
  }

  /** Iterates while it helps; returns the images dir of the last pre-dump, if there was one. */
  async #preCopy(session: CriuSession): Promise<string | undefined> {
    requireCriu(await session.version());
    if (!await this.#canPreCopy(session)) return undefined;
    let last: string | undefined;
    for (;;) {
      const { imagesDir, sample } = await this.#preDump(session, last);
      last = imagesDir;
      throwIfAborted(this.#config.signal);
      const moment = { nowMs: performance.now(), leadMs: this.#leadMs };
      const verdict = await this.#convergence.judge(sample, moment);
      this.#decidedAtMs = performance.now();
      if (verdict.kind === "iterate") continue;
      this.#stopReason = verdict.reason;
      this.#config.observer?.converged?.(verdict.reason);
      return last;
    }
  }

  async #canPreCopy(session: CriuSession): Promise<boolean> {
    const { mode = "pre-copy", memory, budget } = this.#config;
    if (mode === "stop-and-copy" || mode === "post-copy") return false;
    if (memory && (await session.features()).memTrack) return true;
    if (budget?.onMiss === "cancel") throw cannotPredict(budget.maxDowntimeMs);
    this.#config.observer?.warning?.(
      "This kernel cannot track dirty memory (CONFIG_MEM_SOFT_DIRTY): " +
        (mayLend(mode)
          ? "none is copied ahead (post-copy)"
          : "all memory is copied while the process is frozen (stop-and-copy)"),
    );
    return false;
  }

  async #preDump(
    session: CriuSession,
    last: string | undefined,
  ): Promise<{ imagesDir: string; sample: IterationSample }> {
    const iteration = this.#figures.length + 1;
    const imagesDir = iterationDir(this.#config.workDir, iteration);
    const sample = await this.#iterate(iteration, false, imagesDir, async () => {
      const options = dumpOptions(this.#config, imagesDir, last);
      try {
        await session.preDump({ ...options, trackMem: true });
      } catch (cause) {
        const { code, message, remedy, evidence } = asPhaulError(cause);
        const what = `Cannot pre-dump process ${this.#config.pid} on iteration ${iteration}`;
        // CRIU's error says what could not be done as well, without the iteration.
        const why = cause instanceof CriuError ? cause.reason : message;
        throw new PhaulError(code, `${what}: ${why}`, { remedy, cause, evidence });
      }
    });
    return { imagesDir, sample };
  }

  async #switchOver(session: CriuSession, last: string | undefined): Promise<void> {
    const iteration = this.#figures.length + 1;
    const imagesDir = iterationDir(this.#config.workDir, iteration);
    await this.#iterate(
      iteration,
      true,
      imagesDir,
      async () => {
        // Or it would be dumped, and frozen, as slow as it is.
        this.#config.throttle?.release();
        await this.#local.dumpCopyRestore(session, this.#config, last);
      },
    );
  }

  /** One iteration: its page stream is opened before `dump` and found complete after it. */
  async #iterate(
    iteration: number,
    final: boolean,
    imagesDir: string,
    dump: () => Promise<void>,
  ): Promise<IterationSample> {
    const { observer } = this.#config;
    await makeImagesDir(imagesDir);
    await observer?.iterationBegin?.(iteration, final);
    const begun = performance.now();
    await this.#remote.startIter({ iteration, final });
    const dumpedAtMs = performance.now();
    this.#leadMs = dumpedAtMs - this.#decidedAtMs;
    await dump();
    const traffic = await this.#remote.stopIter();
    const ended = performance.now();
    const durationMs = ended - begun;
    const busyMs = Math.max(0, ended - dumpedAtMs - (traffic?.pacedMs ?? 0));
    const figures = await figuresOf(imagesDir, traffic);
    const all = { iteration, final, durationMs, ...figures };
    this.#figures.push(all);
    await observer?.iterationEnd?.(all);
    const { pagesWritten, frozenTimeUs } = figures;
    const frozenMs = frozenTimeUs === undefined ? undefined : frozenTimeUs / 1000;
    return { pagesWritten, dumpedAtMs, busyMs, frozenMs };
  }
}

function cannotPredict(maxDowntimeMs: number): PhaulError {
  return new PhaulError(
    "feature-missing",
    `Cannot keep the switchover within ${maxDowntimeMs} ms: this kernel cannot track dirty memory ` +
      "(CONFIG_MEM_SOFT_DIRTY), so no memory can be copied ahead",
    { remedy: "Leave --on-miss cancel out to have all memory copied while the process is frozen" },
  );
}

/** Exact figures from the page path where it counted, else from CRIU's own statistics. */
async function figuresOf(
  imagesDir: string,
  traffic: IterationTraffic | void,
): Promise<Pick<IterationFigures, "pagesWritten" | "bytes" | "sentBytes" | "frozenTimeUs">> {
  const stats = await readDumpStats(imagesDir).catch(() => undefined);
  const pagesWritten = traffic?.pages ?? (stats ? stats.pagesWritten + stats.shpagesWritten : 0);
  const sentBytes = traffic?.sentBytes;
  return {
    pagesWritten,
    bytes: traffic?.bytes ?? pagesWritten * 4096,
    ...(sentBytes === undefined ? {} : { sentBytes }),
    ...(stats ? { frozenTimeUs: stats.frozenTimeUs } : {}),
  };
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw asPhaulError(signal.reason);
}
