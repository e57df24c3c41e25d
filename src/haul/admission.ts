/**
 * What must hold on a destination before a migration is taken in.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { checkDestination, isTmpfs } from "../proc/mod.ts";
import type { BeginRequest } from "../wire/mod.ts";

/** The only size of pages that this version knows, on every host. */
const PAGE_BYTES = 4096;

/**
 * Checks that pages and images will be understood here, and that the tree finds what it needs.
 *
 * @param criuVersion This host's CRIU.
 * @throws PhaulError `destination-unfit`, `version-mismatch`, `pid-taken`, `file-missing`, `file-differs`
 */
export async function requireFit(begin: BeginRequest, criuVersion: string): Promise<void> {
  requireAlike(begin, criuVersion);
  await checkDestination({
    pids: begin.processes.map((p) => p.pid),
    files: begin.files,
    ownPidNamespace: begin.ownPidNamespace,
  });
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

function requireAlike(begin: BeginRequest, criuVersion: string): void {
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
  // CRIU 4.2 changed the header of its page protocol, and nothing negotiates it.
  if (usesWideHeaders(begin.criuVersion) !== usesWideHeaders(criuVersion)) {
    throw new PhaulError(
      "version-mismatch",
      `Cannot take pages of CRIU ${begin.criuVersion} in: this host has CRIU ${criuVersion}, ` +
        "and the page protocol changed in 4.2",
      { remedy: "Install the same CRIU on both hosts, or name one with --criu" },
    );
  }
}

function usesWideHeaders(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 4 || (major === 4 && minor >= 2);
}
