/**
 * All files of one migration, as its source's role sees them.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../../errors.ts";
import { contains } from "../../proc/mod.ts";
import { type FileFact, type FileMoves, FILES_ABILITY } from "../../wire/mod.ts";
import type { ClientObserver } from "../config.ts";
import { type FilesPhase, type FilesSummary, PROGRESS_MS } from "../events.ts";
import type { MigrateOptions } from "../options.ts";
import type { Destination } from "../peer.ts";
import type { Stages } from "../stages.ts";
import { ExecFiles } from "./exec_files.ts";
import { OpenFiles } from "./open_files.ts";
import type { FileFigures, FileStrategy, PhaulFiles } from "./phaul_files.ts";
import { requireRsync } from "./rsync_server.ts";
import { sumOf } from "./sync_area.ts";
import { TreeFiles } from "./tree_files.ts";

/** What the files of a migration are brought over with. */
export interface SourceFilesParts {
  readonly options: MigrateOptions;
  readonly migration: string;
  readonly peer: Destination;
  readonly stages: Stages;
  readonly workDir: string;
}

const NOTHING: FileFigures = { files: 0, bytes: 0, sentBytes: 0 };

/** Calls each way at each step, in the order in which they were given. */
export class SourceFiles implements Disposable {
  readonly #parts: SourceFilesParts;
  readonly #ways: readonly PhaulFiles[];
  readonly #given = new AbortController();
  #sentBytes = 0;
  #begun = false;
  #summary: FilesSummary | undefined;

  private constructor(parts: SourceFilesParts) {
    this.#parts = parts;
    const { options: { pid, fs = [], timeouts }, peer, migration, workDir } = parts;
    const sync = {
      ...{ peer, workDir, stallMs: timeouts.stallMs },
      onBytes: (bytes: number) => this.#sentBytes += bytes,
    };
    const trees = fs.filter((one) => one.kind === "tree");
    this.#ways = fs.flatMap((one): PhaulFiles[] => {
      switch (one.kind) {
        case "shared":
          return [];
        case "open":
          return [new OpenFiles(pid, trees.map(({ path }) => path), sync)];
        case "tree":
          return [new TreeFiles(one, trees.indexOf(one), pid, sync)];
        case "exec":
          return [new ExecFiles(one.program, { migration, pid, peer: peer.name }, timeouts.stepMs)];
        case "custom":
          return [one.files];
        default:
          return one satisfies never;
      }
    });
  }

  /** Brings nothing over, ever: of a plan. */
  static none(parts: SourceFilesParts): SourceFiles {
    return new SourceFiles({ ...parts, options: { ...parts.options, fs: [] } });
  }

  /** Brings over all that can be while the tree runs. The caller disposes of it. */
  static async begin(parts: SourceFilesParts, signal: AbortSignal): Promise<SourceFiles> {
    const files = new SourceFiles(parts);
    try {
      files.#begun = true;
      await files.#each("begin", signal, (way, end) => way.begin(end));
      return files;
    } catch (error) {
      await files.end(false);
      throw error;
    }
  }

  /** Bytes that travelled so far. */
  get sentBytes(): number {
    const others = this.#ways.reduce((sum, { sentBytes = 0 }) => sum + sentBytes, 0);
    return this.#sentBytes + others;
  }

  /** What it came to; undefined when nothing had to come along. */
  get summary(): FilesSummary | undefined {
    return this.#summary;
  }

  /** Between two iterations. */
  async sync(signal: AbortSignal): Promise<void> {
    await this.#each("sync", signal, (way, end) => way.sync(end));
  }

  /** Before the tree is frozen. */
  async arm(signal: AbortSignal): Promise<void> {
    const end = AbortSignal.any([signal, this.#given.signal]);
    for (const way of this.#ways) await way.arm?.(end);
  }

  /** While it is frozen. */
  async final(): Promise<void> {
    await this.#each("final", this.#given.signal, (way, end) => way.final(end));
  }

  /** Ends what is under way, since the migration is given up. */
  giveUp(reason: PhaulError | undefined): void {
    this.#given.abort(reason ?? new PhaulError("cancelled", "Cannot bring files over: given up"));
  }

  /** Tells each way how it ended; a failure is only told. */
  async end(moved: boolean): Promise<void> {
    if (!this.#begun) return;
    this.#begun = false;
    if (!moved) this.giveUp(undefined);
    const { stages } = this.#parts;
    for (const way of this.#ways) {
      await stages.leniently(() => moved ? way.commit() : way.abort());
    }
  }

  [Symbol.dispose](): void {
    this.giveUp(undefined);
  }

  async #each(
    phase: FilesPhase,
    signal: AbortSignal,
    step: (way: PhaulFiles, signal: AbortSignal) => Promise<FileFigures | void>,
  ): Promise<void> {
    const { stages, migration } = this.#parts;
    const end = AbortSignal.any([signal, this.#given.signal]);
    for (const way of this.#ways) {
      const [begun, before] = [performance.now(), this.sentBytes];
      const tell = () => {
        const sentBytes = this.sentBytes - before;
        const sofar = { phase, strategy: way.name, sentBytes };
        stages.tell({ event: "files-progress", migration, ...sofar });
      };
      const ticker = setInterval(tell, PROGRESS_MS);
      try {
        const figures = await step(way, end) ?? NOTHING;
        const durationMs = performance.now() - begun;
        stages.tell({
          ...{ event: "files", migration, phase, strategy: way.name, ...figures, durationMs },
        });
        this.#add(phase, figures, durationMs);
      } catch (error) {
        throw end.aborted ? asPhaulError(end.reason) : error;
      } finally {
        clearInterval(ticker);
      }
    }
  }

  #add(phase: FilesPhase, figures: FileFigures, durationMs: number): void {
    const before = this.#summary ?? { ...NOTHING, final: { ...NOTHING, durationMs: 0 } };
    const final = phase !== "final" ? before.final : {
      ...sumOf([before.final, figures]),
      durationMs: before.final.durationMs + durationMs,
    };
    this.#summary = { ...sumOf([before, figures]), final };
  }
}

/** `observer`, with all files synced after each iteration but the final one. */
export function alsoSyncing(
  observer: ClientObserver,
  files: SourceFiles,
  signal: AbortSignal,
): ClientObserver {
  return {
    ...observer,
    iterationEnd: async (figures) => {
      await observer.iterationEnd?.(figures);
      if (!figures.final) await files.sync(signal);
    },
  };
}

/** What a destination is told of the files that come; nothing when none do. */
export function movesOf(
  { fs = [], overwrite = false }: Pick<MigrateOptions, "fs" | "overwrite">,
): { readonly moves?: FileMoves } {
  const trees = fs.flatMap((one) => one.kind === "tree" ? [one] : [])
    .map(({ path, target }) => ({ path, target }));
  const open = fs.some(({ kind }) => kind === "open");
  return trees.length === 0 && !open ? {} : { moves: { trees, open, overwrite } };
}

/** Of the files that a tree needs, those that do not come along by a directory of their own. */
export function outsideTrees<T extends Pick<FileFact, "path">>(
  files: readonly T[],
  fs: readonly FileStrategy[] = [],
): T[] {
  return files.filter(({ path }) =>
    !fs.some((one) => one.kind === "tree" && contains(one.path, path))
  );
}

/**
 * Demands what bringing files over needs: rsync here, and a destination that knows of it.
 *
 * @throws PhaulError `rsync-missing`, `files-failed`, `destination-unfit`
 */
export async function requireFiles(
  options: Pick<MigrateOptions, "fs" | "overwrite">,
  peer: Destination,
): Promise<void> {
  const { moves } = movesOf(options);
  if (!moves) return;
  await requireRsync("rsync-missing");
  for (const { path } of moves.trees) {
    const real = await Deno.realPath(path).catch(() => undefined);
    if (real === path && (await Deno.stat(path)).isDirectory) continue;
    const why = real === undefined
      ? "it is missing"
      : `it is no directory of that very path: ${real}`;
    throw new PhaulError("files-failed", `Cannot bring "${path}" over: ${why}`, {
      remedy: "Name a directory, without symbolic links",
    });
  }
  if (peer.can(FILES_ABILITY)) return;
  throw new PhaulError("destination-unfit", `Cannot bring files over: ${peer.name} knows no --fs`, {
    remedy: "Install this phaul there too, or share the files and leave --fs out",
  });
}
