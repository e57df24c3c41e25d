/**
 * Finishes, or rolls back, what a phaul that died left on this host.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { findCriu } from "../criu/mod.ts";
import { requireRoot } from "../proc/mod.ts";
import { waits } from "./decisions.ts";
import type { DestinationRole } from "./destination.ts";
import type { EventSink } from "./events.ts";
import { type JournalName, JournalStore } from "../journal/mod.ts";
import { connectToServe, statesInServe } from "./local_serve.ts";
import type { RecoverOptions } from "./options.ts";
import { Registry } from "./registry.ts";
import {
  asServed,
  chosen,
  type Recovered,
  standingOf,
  unreadable,
  whereaboutsIn,
} from "./standing.ts";
import { recoverSource } from "./source_recovery.ts";
import { TicketBook } from "./tickets.ts";

/** States in which a reopened destination waits for its source, or for a person. */
const WAITING = ["prepared", "lost", "uncertain", "stranded"];
const LOOK_MS = 20;
const LIVE_TRIES = 100;
const LIVE_PAUSE_MS = 100;

/**
 * Recovers all migrations that were interrupted on this host, or one of them.
 *
 * What the journals leave open is left open unless `options.force` decides it. Migrations that a phaul
 * works on now are told of and left alone; a phaul serve is asked for a forced decision.
 *
 * @param tell Told of each as it ends: a peer that cannot be reached takes its time.
 * @throws PhaulError `not-root`, `no-such-migration`
 */
export async function recover(
  options: RecoverOptions,
  sink: EventSink,
  tell: (recovered: Recovered) => void,
): Promise<Recovered[]> {
  requireRoot("recover migrations");
  const { stateDir, migration } = options;
  const all = await new JournalStore(stateDir).list();
  const names = migration === undefined ? all : chosen(all, migration);
  const recovered: Recovered[] = [];
  for (const name of names) {
    const one = await recoverOne(name, options, sink);
    one.forEach(tell);
    recovered.push(...one);
  }
  return recovered;
}

async function recoverOne(
  name: JournalName,
  options: RecoverOptions,
  sink: EventSink,
): Promise<Recovered[]> {
  const store = new JournalStore(options.stateDir);
  try {
    const live = await staysLive(store, name, options);
    if (live) return await recoverLive(store, name, options);
    return name.side === "source"
      ? await recoverSource(store, name, options, sink)
      : await recoverDestination(store, name, options, sink);
  } catch (cause) {
    const error = asPhaulError(cause);
    return [{ ...unreadable(name, error), settled: false, error }];
  }
}

/** A phaul serve that recovers a source's journal has it for seconds; a decision is worth the wait. */
async function staysLive(
  store: JournalStore,
  name: JournalName,
  { force }: RecoverOptions,
): Promise<boolean> {
  const tries = force !== undefined && name.side === "source" ? LIVE_TRIES : 1;
  for (let left = tries; store.isLive(name); left--) {
    if (left <= 1) return true;
    await new Promise((resolve) => setTimeout(resolve, LIVE_PAUSE_MS));
  }
  return false;
}

/** A phaul works on it: only a phaul serve that waits may be told what a person decided. */
async function recoverLive(
  store: JournalStore,
  name: JournalName,
  { stateDir, force, timeouts }: RecoverOptions,
): Promise<Recovered[]> {
  const records = await store.read(name);
  if (records === undefined) return [];
  const told = standingOf(name, records, true);
  if (force === undefined) {
    const served = name.side === "destination" && await statesInServe(stateDir, timeouts);
    const status = served ? asServed(told, served) : told;
    const error = status.live ? undefined : waits(name.migration, status.state);
    return [{ ...status, settled: false, ...(error ? { error } : {}) }];
  }
  if (name.side === "source") {
    const error = new PhaulError("busy", "Cannot force anything: a phaul works on the migration", {
      remedy: `Run: phaul cancel ${name.migration}`,
    });
    return [{ ...told, settled: false, error }];
  }
  const { migration: migrationId } = name;
  using serve = await connectToServe(stateDir, timeouts);
  if (force === "destination") await serve.request({ type: "commit", migrationId, forced: true });
  else await serve.request({ type: "abort", migrationId, reason: "forced", forced: true });
  return [{ ...told, settled: true, whereabouts: force }];
}

async function recoverDestination(
  store: JournalStore,
  name: JournalName,
  options: RecoverOptions,
  sink: EventSink,
): Promise<Recovered[]> {
  const registry = new Registry({
    options: { ...SERVE_LIKE, ...options },
    store,
    criuPath: await findCriu(options.criuPath),
    lazyPages: false,
    tickets: new TicketBook(),
    sink,
  });
  const role = await registry.reopen(name);
  if (!role) return [];
  await atRest(role);
  const error = options.force && await forced(role, options.force);
  await atRest(role);
  const { migration, comm, pid, state } = role;
  const settled = !WAITING.includes(state) && !role.drain.lacksPages;
  const status = { ...name, comm, state, live: false, whereabouts: whereaboutsIn(state) };
  const why = error ?? (settled ? undefined : waits(migration, state));
  return [{
    ...status,
    ...(pid === undefined ? {} : { pid }),
    settled,
    ...(why ? { error: why } : {}),
  }];
}

/** What a phaul serve is told, as far as a reopened role looks at it. */
const SERVE_LIKE = { insecure: false, listen: { host: "", port: 0 } } as const;

async function forced(
  role: DestinationRole,
  force: "source" | "destination",
): Promise<PhaulError | undefined> {
  const which = { migrationId: role.migration, forced: true };
  const request = force === "destination"
    ? { type: "commit", ...which } as const
    : { type: "abort", reason: "forced", ...which } as const;
  return await role.answer(request).then(() => undefined, asPhaulError);
}

/**
 * Work under way ends by itself; a role that waits for its source does not, nor does memory come from there
 * to anybody but a phaul serve.
 */
async function atRest(role: DestinationRole): Promise<void> {
  const over = () => [...WAITING, "running", "discarded"].includes(role.state);
  while (!over()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  if (!WAITING.includes(role.state) && !role.drain.lacksPages) await role.ended;
}
