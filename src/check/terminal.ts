/**
 * Terminals and sessions that a process tree shares with processes outside it.
 *
 * @module
 */

import type { Descriptor } from "../proc/descriptors.ts";
import type { TreeProcess } from "../proc/listing.ts";
import { PROC_ROOT, readStat, readStatus } from "../proc/procfs.ts";
import type { Finding } from "./finding.ts";

const REMEDY = "Add --shell-job, or start the program in a session of its own and away from the " +
  "terminal: setsid PROGRAM </dev/null >LOG 2>&1";

/** True when the process leads its session, by the ids of its own pid namespace. */
export function leadsSession(process: TreeProcess | undefined, procRoot = PROC_ROOT): boolean {
  if (process === undefined) return false;
  return readStatus(process.pid, procRoot)?.nsSessions.at(-1) === process.nsPid;
}

/** A session led from outside the tree, and terminals whose other end is not in it. */
export function findTerminals(
  root: TreeProcess | undefined,
  descriptors: readonly Descriptor[],
  { allowed, procRoot }: { readonly allowed: boolean; readonly procRoot: string },
): Finding[] {
  const foreign = foreignTerminals(descriptors);
  if (allowed) return warnings(foreign);
  const session = foreignSession(root, procRoot);
  const messages = session === undefined ? [] : [session];
  for (const { pid, target, fd } of foreign.slice(0, 1)) {
    messages.push(`process ${pid} has the terminal "${target}" on fd ${fd}`);
  }
  return messages.map((message) => {
    return { code: "terminal-job", severity: "blocker", message, remedy: REMEDY };
  });
}

function foreignSession(root: TreeProcess | undefined, procRoot: string): string | undefined {
  if (root === undefined || leadsSession(root, procRoot)) return undefined;
  const session = readStat(root.pid, procRoot)?.session ?? 0;
  const leader = session === 0 ? undefined : readStat(session, procRoot);
  const name = leader === undefined ? "" : ` ("${leader.comm}")`;
  return `it belongs to session ${session}${name}, which is led from outside its tree`;
}

/** With --shell-job CRIU gives the restored tree its own standard input's terminal, if it is one. */
function warnings(foreign: readonly Descriptor[]): Finding[] {
  const paths = new Set(foreign.map(({ target }) => target));
  return [...paths].map((path) => ({
    code: "foreign-terminal",
    severity: "warning",
    message:
      `the tree uses terminal "${path}", which stays on this host: it can only be restored ` +
      "where phaul serve runs on a terminal itself",
    remedy: "Run phaul serve there from a terminal, or start the program away from its own",
  }));
}

/** Open terminals whose master is not open in the tree; hung-up ones (deleted) do no harm. */
function foreignTerminals(descriptors: readonly Descriptor[]): Descriptor[] {
  const owned = new Set(
    descriptors.flatMap(({ info }) => /^tty-index:\s*(\d+)/m.exec(info)?.[1] ?? []),
  );
  return descriptors.filter(({ target }) => {
    const index = /^\/dev\/pts\/(\d+)$/.exec(target)?.[1];
    if (index !== undefined) return !owned.has(index);
    return /^\/dev\/(console|tty[A-Za-z]*\d+)$/.test(target);
  });
}
