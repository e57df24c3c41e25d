/**
 * Terminals and sessions that a process tree shares with processes outside it.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { Descriptor } from "./descriptors.ts";
import type { TreeProcess } from "./listing.ts";
import { PROC_ROOT, readStat, readStatus } from "./procfs.ts";

const REMEDY = "Add --shell-job, or start the program in a session of its own and away from the " +
  "terminal: setsid PROGRAM </dev/null >LOG 2>&1";

/** True when the process leads its session, by the ids of its own pid namespace. */
export function leadsSession(process: TreeProcess | undefined, procRoot = PROC_ROOT): boolean {
  if (process === undefined) return false;
  return readStatus(process.pid, procRoot)?.nsSessions.at(-1) === process.nsPid;
}

/**
 * Refuses a tree that belongs to a session led from outside it, or has a terminal whose other end
 * is not in it.
 *
 * @throws PhaulError `terminal-job`
 */
export function refuseTerminal(
  processes: readonly TreeProcess[],
  descriptors: readonly Descriptor[],
  procRoot: string = PROC_ROOT,
): void {
  const root = processes[0];
  if (root === undefined) return;
  const refuse = (why: string) => {
    throw new PhaulError("terminal-job", `Cannot migrate process ${root.pid}: ${why}`, {
      remedy: REMEDY,
    });
  };
  if (!leadsSession(root, procRoot)) {
    const session = readStat(root.pid, procRoot)?.session ?? 0;
    const leader = session === 0 ? undefined : readStat(session, procRoot);
    const name = leader === undefined ? "" : ` ("${leader.comm}")`;
    refuse(`it belongs to session ${session}${name}, which is led from outside its tree`);
  }
  const foreign = foreignTerminals(descriptors)[0];
  if (foreign !== undefined) {
    refuse(`process ${foreign.pid} has the terminal "${foreign.target}" on fd ${foreign.fd}`);
  }
}

/** Open terminals whose master is not open in the tree; hung-up ones (deleted) do no harm. */
export function foreignTerminals(descriptors: readonly Descriptor[]): Descriptor[] {
  const owned = new Set(
    descriptors.flatMap(({ info }) => /^tty-index:\s*(\d+)/m.exec(info)?.[1] ?? []),
  );
  return descriptors.filter(({ target }) => {
    const index = /^\/dev\/pts\/(\d+)$/.exec(target)?.[1];
    if (index !== undefined) return !owned.has(index);
    return /^\/dev\/(console|tty[A-Za-z]*\d+)$/.test(target);
  });
}
