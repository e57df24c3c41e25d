/**
 * What must hold on a destination before a migration is taken in.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { checkDestination, refuseBlockers, skipping } from "../check/mod.ts";
import { isTmpfs } from "../proc/mod.ts";
import type { BeginRequest } from "../wire/mod.ts";

/** The only size of pages that this version knows, on every host. */
export const PAGE_BYTES = 4096;

/**
 * Checks that pages and images will be understood here, and that the tree finds what it needs.
 *
 * @throws PhaulError `destination-unfit`, `pid-taken`, `file-missing`, `file-differs`
 */
export function requireFit(begin: BeginRequest): void {
  requireAlike(begin);
  const findings = checkDestination({
    pids: begin.processes.map((p) => p.pid),
    files: begin.files,
    ownPidNamespace: begin.ownPidNamespace,
  });
  refuseBlockers("take in the process tree", skipping(findings, begin.skippedChecks));
}

/**
 * Demands directories that a power cut leaves as they are.
 *
 * @throws PhaulError `destination-unfit`
 */
export async function requireDisk(workDir: string, stateDir: string): Promise<void> {
  for (const dir of [workDir, stateDir]) {
    if (!await isTmpfs(dir)) continue;
    throw new PhaulError(
      "destination-unfit",
      `Cannot keep a migration durably: "${dir}" of the destination is in memory`,
      {
        remedy: "Start phaul serve with --work-dir and --state-dir on a disk, or migrate without " +
          "--durable",
      },
    );
  }
}

function requireAlike(begin: BeginRequest): void {
  if (begin.arch !== Deno.build.arch) {
    throw new PhaulError(
      "destination-unfit",
      `Cannot take a process of ${begin.arch} in: this host is ${Deno.build.arch}`,
      { remedy: "Name a destination of the same architecture with --peer" },
    );
  }
  // Page counts and CRIU's images are in these units on both sides.
  if (begin.pageSize !== PAGE_BYTES) {
    throw new PhaulError(
      "destination-unfit",
      `Cannot take pages of ${begin.pageSize} bytes in: this host has pages of ${PAGE_BYTES}`,
      { remedy: "Name a destination whose kernel has pages of the same size with --peer" },
    );
  }
}

/**
 * The port to which the source's CRIU is to send pages directly, if it is.
 *
 * @param port Where such pages are taken; nowhere when not given.
 * @throws PhaulError `destination-unfit` when it asks in vain
 */
export function directPortFor(begin: BeginRequest, port: number | undefined): number | undefined {
  if (!begin.direct) return undefined;
  if (port !== undefined) return port;
  throw new PhaulError(
    "destination-unfit",
    "Cannot take pages in directly: phaul serve was started without --direct-port there",
    { remedy: "Start it with --direct-port PORT, or leave --channel direct out" },
  );
}

/**
 * Decides whether a tree gets its memory back after it was restored.
 *
 * @param lazyPages This host's kernel and CRIU can do that.
 * @throws PhaulError `destination-unfit` when it is demanded and cannot be
 */
export function restoresLazily(begin: BeginRequest, lazyPages: boolean): boolean {
  const { restoreMode, holdMode, late } = begin;
  if (restoreMode === "eager" && !late) return false;
  // A tree that its notify holds is CRIU's until it runs.
  if (lazyPages && holdMode === "stopped") return true;
  if (restoreMode === "auto" && !late) return false;
  const why = lazyPages ? "not a --shell-job" : "the destination's kernel or CRIU lacks it";
  throw new PhaulError("destination-unfit", `Cannot restore memory lazily: ${why}`, {
    remedy: `Migrate ${late ? "by --mode pre-copy" : "with --restore auto"}, or see what the ` +
      "destination's criu check says",
  });
}
