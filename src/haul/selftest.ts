/**
 * Migrates a small counter to a destination on this same host: does everything here work?
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { findCriu } from "../criu/mod.ts";
import { requireRoot, startCounter } from "../proc/mod.ts";
import { tokenFileName } from "../wire/mod.ts";
import type { EventSink, HaulEvent, MigrationSummary } from "./events.ts";
import { migrateTree } from "./migrate.ts";
import { DEFAULT_LIMITS } from "../migrate/policy.ts";
import { DEFAULT_TIMEOUTS, NO_CRIU_FLAGS, type SelftestOptions } from "./options.ts";
import { serve } from "./serve.ts";

/** How long the counter may take to count a little further. */
const COUNT_DEADLINE_MS = 30_000;
/** How far it counts before the migration, and after it. */
const ENOUGH = 25;

/** What both sides of it are told. */
const SELF = { insecure: false, timeouts: DEFAULT_TIMEOUTS } as const;

/** What a selftest found. */
export interface SelftestReport {
  /** The last number counted before the migration began, and the last one seen after it. */
  readonly countedBefore: number;
  readonly countedAfter: number;
  readonly summary: MigrationSummary;
}

/**
 * Runs a counter in a pid namespace of its own, migrates it over TLS and loopback, and checks that it
 * counted on without gap or repetition. Leaves nothing behind.
 *
 * @throws PhaulError naming what is missing on this host, or what went wrong
 */
export async function selftest(
  options: SelftestOptions,
  sink: EventSink,
  signal: AbortSignal,
): Promise<SelftestReport> {
  requireRoot("run the selftest");
  const criuPath = await findCriu(options.criuPath);
  await using owned = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "phaul-selftest-" });
  owned.defer(() => Deno.remove(dir, { recursive: true }));
  const ending = new AbortController();
  const told = watch(sink);
  using counter = await startCounter(`${dir}/count`);
  const serving = serve(
    {
      stateDir: `${dir}/state`,
      workDir: `${options.workDir ?? dir}/destination`,
      criuPath,
      ...SELF,
      listen: { host: "127.0.0.1", port: 0 },
      drainMs: 0,
    },
    told.sink,
    ending.signal,
  );
  // It may fail at any time, also while nobody waits for it.
  serving.catch(() => {});
  try {
    const { port } = await Promise.race([told.listening, serving.then(endedEarly)]);
    const countedBefore = await countsTo(`${dir}/count`, ENOUGH);
    const summary = await migrateTree(
      {
        stateDir: `${dir}/state`,
        workDir: `${options.workDir ?? dir}/source`,
        criuPath,
        ...SELF,
        pid: counter.pid,
        peer: { host: "127.0.0.1", port },
        tokenFile: `${dir}/state/${tokenFileName}`,
        mode: "pre-copy",
        restoreMode: "auto",
        limits: DEFAULT_LIMITS,
        criu: NO_CRIU_FLAGS,
      },
      sink,
      signal,
    );
    const countedAfter = await countsTo(`${dir}/count`, (await lastCount(`${dir}/count`)) + ENOUGH);
    return { countedBefore, countedAfter, summary };
  } finally {
    ending.abort();
    await serving.catch(() => {});
    const pid = told.restoredPid();
    if (pid !== undefined) Deno.kill(pid, "SIGKILL");
  }
}

/** Passes events on, and remembers what the selftest needs from the destination's. */
function watch(sink: EventSink) {
  const listening = Promise.withResolvers<HaulEvent & { event: "listening" }>();
  let restored: number | undefined;
  return {
    sink(event: HaulEvent): void {
      if (event.event === "listening") listening.resolve(event);
      if (event.event === "running") restored = event.pid;
      // The source tells the same stages; only what it cannot know is passed on from here.
      if (event.event === "warning" || event.event === "transition") sink(event);
    },
    listening: listening.promise,
    restoredPid: () => restored,
  };
}

function endedEarly(): never {
  throw new PhaulError("internal", "Cannot run the selftest: the destination ended by itself");
}

/** Waits until the file's last number is at least `wanted`, and checks that none is missing. */
async function countsTo(path: string, wanted: number): Promise<number> {
  const deadline = performance.now() + COUNT_DEADLINE_MS;
  for (;;) {
    const last = await lastCount(path);
    if (last >= wanted) return last;
    if (performance.now() > deadline) {
      throw new PhaulError("internal", `The counter stands still at ${last}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * The last number in the file.
 *
 * @throws PhaulError `internal` when one is missing or there twice
 */
async function lastCount(path: string): Promise<number> {
  const text = await Deno.readTextFile(path).catch(() => "");
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n").slice(0, -1);
  lines.forEach((line, index) => {
    if (Number(line) === index + 1) return;
    throw new PhaulError("internal", `The counter wrote "${line}" where ${index + 1} was due`);
  });
  return lines.length;
}
