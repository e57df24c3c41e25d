/**
 * What the journals of this host, or the phaul serve of another, tell of migrations.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import type { JournalMark, Side } from "../migrate/tables.ts";
import { bootId, lives } from "../proc/mod.ts";
import type { Whereabouts } from "./events.ts";
import { findRecord, type JournalName, JournalStore, type StampedRecord } from "../journal/mod.ts";
import { statesInServe } from "./local_serve.ts";
import type { StatusOptions } from "./options.ts";
import { Peer } from "./peer.ts";

/** How one migration stands. */
export interface MigrationStatus {
  readonly migration: string;
  readonly side: Side;
  /** The root's command name. */
  readonly comm: string;
  /** The root's pid on that side, where there is one. */
  readonly pid?: number;
  /** What was decided last: a journal's mark, or a state of the table where a phaul serve tells. */
  readonly state: string;
  /** A phaul works on it now; one that does not was interrupted. */
  readonly live: boolean;
  /** Whose the process is, as far as this side knows. */
  readonly whereabouts: Whereabouts;
  /** When that was decided, ISO 8601; unknown from another host. */
  readonly at?: string;
}

/** How one migration stands after its recovery. */
export interface Recovered extends MigrationStatus {
  /** Nothing is left to decide or to finish. */
  readonly settled: boolean;
  /** Why it is not settled, or what else there is to know; its remedy says what to do. */
  readonly error?: PhaulError;
}

/** States of a destination that is still the source's, and of one that owns the tree. */
const SOURCES_STATES = ["admitted", "receiving", "restoring", "discarding", "discarded"];
/** In which a destination waits for a person. */
const STUCK = ["stranded", "uncertain"];
const ENDED = ["running", "discarded"];
const OWN_STATES = ["resuming", "reviving", "running"];

const WHEREABOUTS: Readonly<Record<JournalMark, Whereabouts>> = {
  BEGIN: "source",
  THROTTLED: "source",
  INTENT: "source",
  ABORT: "source",
  ABORTED: "source",
  LENT: "destination",
  COMMIT: "destination",
  DONE: "destination",
  ADMITTED: "source",
  RESTORED: "source",
  PREPARED: "in-doubt",
  RUNNING: "destination",
  CONTINUED: "destination",
  DISCARDED: "source",
};

/**
 * How all migrations of this host stand, or one of them, or those of a peer.
 *
 * @throws PhaulError `no-such-migration`, `peer-unreachable` and its kin, `journal-damaged`
 */
export async function status(options: StatusOptions): Promise<MigrationStatus[]> {
  const all = options.peer === undefined
    ? await ownStandings(options)
    : await peerStandings(options.peer, options);
  return options.migration === undefined ? all : chosen(all, options.migration);
}

/**
 * Those whose id begins with `prefix`, which must mean one migration.
 *
 * @throws PhaulError `no-such-migration`, also when more than one is meant
 */
export function chosen<T extends { readonly migration: string }>(
  all: readonly T[],
  prefix: string,
): T[] {
  const found = all.filter(({ migration }) => migration.startsWith(prefix));
  const ids = new Set(found.map(({ migration }) => migration));
  if (ids.size === 1) return found;
  const why = ids.size === 0 ? "it is unknown here" : `${ids.size} begin so`;
  throw new PhaulError("no-such-migration", `Cannot find migration ${prefix}: ${why}`, {
    remedy: 'See "phaul status" for those that are known',
  });
}

/** What one journal tells. */
export function standingOf(
  { migration, side }: JournalName,
  records: readonly StampedRecord[],
  live: boolean,
): MigrationStatus {
  const last = records.at(-1);
  const mark = last?.record.mark ?? (side === "source" ? "BEGIN" : "ADMITTED");
  const begin = findRecord(records, "BEGIN");
  const comm = begin?.comm ?? findRecord(records, "ADMITTED")?.comm ?? "";
  const pid = begin?.pid ?? findRecord(records, "RESTORED")?.tasks[0]?.pid;
  return {
    ...{ migration, side, comm, state: mark, live },
    whereabouts: whereaboutsBy(mark, records),
    ...(pid === undefined ? {} : { pid }),
    ...(last === undefined ? {} : { at: last.at }),
  };
}

/** What the mark says, held against the processes of this host. */
function whereaboutsBy(mark: JournalMark, records: readonly StampedRecord[]): Whereabouts {
  const begin = findRecord(records, "BEGIN");
  const sameBoot = records[0]?.boot === bootId();
  // A complete copy may stand on the other host.
  if (begin && WHEREABOUTS[mark] === "source" && !sameBoot) return "in-doubt";
  if (begin && WHEREABOUTS[mark] === "source") return lives(begin) ? "source" : "gone";
  const root = findRecord(records, "RESTORED")?.tasks[0];
  const ran = mark === "CONTINUED" && root !== undefined;
  return ran && !(sameBoot && lives(root)) ? "gone" : WHEREABOUTS[mark];
}

async function ownStandings({ stateDir, timeouts }: StatusOptions): Promise<MigrationStatus[]> {
  const store = new JournalStore(stateDir);
  const names = await store.list();
  const served = names.some((name) => name.side === "destination" && store.isLive(name))
    ? await statesInServe(stateDir, timeouts)
    : new Map<string, string>();
  const standings: MigrationStatus[] = [];
  for (const name of names) {
    const live = store.isLive(name);
    const records = await store.read(name).catch((error) => asPhaulError(error));
    if (records instanceof PhaulError) standings.push(unreadable(name, records));
    else if (records !== undefined) {
      standings.push(asServed(standingOf(name, records, live), served));
    }
  }
  return standings;
}

/** What a journal tells, put right by the phaul serve that works on it: it knows what failed since. */
export function asServed(
  status: MigrationStatus,
  served: ReadonlyMap<string, string>,
): MigrationStatus {
  const state = served.get(status.migration);
  if (!status.live || status.side === "source" || state === undefined) return status;
  // Since when, only the journal's mark tells.
  const { at: _, ...rest } = status;
  return { ...rest, state, live: !STUCK.includes(state), whereabouts: whereaboutsIn(state) };
}

/** A migration of whose journal nothing can be told. */
export function unreadable(name: JournalName, error: PhaulError): MigrationStatus {
  return { ...name, comm: "", state: error.message, live: false, whereabouts: "in-doubt" };
}

async function peerStandings(
  address: NonNullable<StatusOptions["peer"]>,
  { tokenFile, insecure, timeouts }: StatusOptions,
): Promise<MigrationStatus[]> {
  using peer = await Peer.connect({ address, tokenFile, insecure, timeouts });
  const { standings } = await peer.request({ type: "inquire" });
  return standings.map(({ migrationId: migration, state, comm, pid }) => ({
    ...{ migration, side: "destination", comm, state, live: ![...ENDED, ...STUCK].includes(state) },
    ...(pid === undefined ? {} : { pid }),
    whereabouts: whereaboutsIn(state),
  }));
}

/** Whose the process is, by the state of the destination's table. */
export function whereaboutsIn(state: string): Whereabouts {
  if (SOURCES_STATES.includes(state)) return "source";
  return OWN_STATES.includes(state) ? "destination" : "in-doubt";
}
