/**
 * Finishes, or rolls back, what a phaul that died left on this host.
 *
 * @module
 */

import { asPhaulError, PhaulError } from "../errors.ts";
import { findCriu } from "../criu/mod.ts";
import { requireRoot } from "../proc/mod.ts";
import type { DestinationRole } from "./destination.ts";
import type { EventSink } from "./events.ts";
import { type JournalName, JournalStore } from "../journal/mod.ts";
import { connectToServe } from "./local_serve.ts";
import type { RecoverOptions } from "./options.ts";
import { Registry } from "./registry.ts";
import { chosen, type Recovered, standingOf, whereaboutsIn } from "./standing.ts";
import { recoverSource } from "./source_recovery.ts";
import { TicketBook } from "./tickets.ts";

/** States in which a reopened destination waits for its source, or for a person. */
const WAITING = ["prepared", "lost", "uncertain", "stranded"];
const LOOK_MS = 20;

/**
 * Recovers all migrations that were interrupted on this host, or one of them.
 *
 * What the journals leave open is left open unless `options.force` decides it. Migrations that a phaul
 * works on now are told of and left alone; a phaul serve is asked for a forced decision.
 *
 * @throws PhaulError `not-root`, `no-such-migration`
 */
export async function recover(options: RecoverOptions, sink: EventSink): Promise<Recovered[]> {
  requireRoot("recover migrations");
  const { stateDir, migration } = options;
  const all = await new JournalStore(stateDir).list();
  const names = migration === undefined ? all : chosen(all, migration);
  const recovered: Recovered[] = [];
  for (const name of names) recovered.push(...await recoverOne(name, options, sink));
  return recovered;
}

async function recoverOne(
  name: JournalName,
  options: RecoverOptions,
  sink: EventSink,
): Promise<Recovered[]> {
  const store = new JournalStore(options.stateDir);
  try {
    if (store.isLive(name)) return await recoverLive(store, name, options);
    return name.side === "source"
      ? await recoverSource(store, name, options, sink)
      : await recoverDestination(store, name, options, sink);
  } catch (cause) {
    const error = asPhaulError(cause);
    const unknown = { comm: "", state: "unknown", live: false, whereabouts: "in-doubt" } as const;
    return [{ ...name, ...unknown, settled: false, error }];
  }
}

/** A phaul works on it: only a phaul serve that waits may be told what a person decided. */
async function recoverLive(
  store: JournalStore,
  name: JournalName,
  { stateDir, force, timeouts }: RecoverOptions,
): Promise<Recovered[]> {
  const records = await store.read(name);
  if (records === undefined) return [];
  const status = standingOf(name, records, true);
  if (name.side === "source" || force === undefined) return [{ ...status, settled: false }];
  const { migration: migrationId } = name;
  using serve = await connectToServe(stateDir, timeouts);
  if (force === "destination") await serve.request({ type: "commit", migrationId, forced: true });
  else await serve.request({ type: "abort", migrationId, reason: "forced", forced: true });
  return [{ ...status, settled: true, whereabouts: force }];
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
    criuVersion: "",
    tickets: new TicketBook(),
    sink,
  });
  const role = await registry.reopen(name);
  if (!role) return [];
  await atRest(role);
  const error = options.force && await forced(role, options.force);
  await atRest(role);
  const { migration, comm, pid, state } = role;
  const settled = !WAITING.includes(state);
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

/** Work under way ends by itself; a role that waits for its source does not. */
async function atRest(role: DestinationRole): Promise<void> {
  const over = () => [...WAITING, "running", "discarded"].includes(role.state);
  while (!over()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  if (!WAITING.includes(role.state)) await role.ended;
}

function waits(migration: string, state: string): PhaulError {
  const what = state === "prepared"
    ? "its complete copy stands still here"
    : "its copy is gone here";
  return new PhaulError(
    "undecided",
    `Cannot end migration ${migration} from this side: ${what}, and only the source knows whether it ` +
      "gave the process up",
    {
      remedy:
        `On the source: phaul recover ${migration}. Should that host be lost for good, here: ` +
        `phaul recover ${migration} --force-destination lets the copy go on, --force-source removes it`,
    },
  );
}
