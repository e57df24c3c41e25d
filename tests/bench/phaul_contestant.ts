/** phaul itself: the built program, driven as a person would. */

import type { Contestant, Task } from "./contestant.ts";
import type { Course, Iteration, Usage } from "./figures.ts";

/** Flags of one way to use phaul. */
export interface PhaulFlags {
  readonly serve?: string;
  readonly migrate?: string;
  /** How memory travels; its own choice, or what the ground can do, when not given. */
  readonly mode?: string;
  /** Without encryption, and so without a token. */
  readonly plain?: boolean;
}

/** Longer than any drain may take: a hundredth of a gigabyte a second. */
const DRAINED_WITHIN_S = 60;
const US_PER_MS = 1000;

interface PhaulEvent {
  readonly event: string;
  readonly time: string;
  readonly final?: boolean;
  readonly bytes?: number;
  readonly frozenTimeUs?: number;
  readonly predictedMs?: number;
}

interface RunUsage {
  readonly beganUs: number;
  readonly endedUs: number;
  readonly userMs: number;
  readonly systemMs: number;
  readonly peakKib: number;
}

/** A contestant that is phaul with these flags. */
export function phaulWith(
  about: Pick<Contestant, "name" | "what" | "quick" | "usual">,
  flags: PhaulFlags = {},
): Contestant {
  return { ...about, move: (task) => moveByPhaul(task, flags) };
}

async function moveByPhaul(task: Task, flags: PhaulFlags): Promise<Course> {
  const { ground, dir } = task;
  await ground.run("destination", serveScript(task, flags));
  await ground.run("source", migrateScript(task, flags));
  await ground.run("destination", endScript(task));
  const read = async (name: string) => await ground.run("around", `cat ${dir}/${name}`);
  const usage = async (name: string): Promise<RunUsage> => JSON.parse(await read(name));
  const told = eventsIn(await read("migrate.json"));
  const heard = eventsIn(await read("serve.json"));
  const source = await usage("migrate.usage");
  const destination = await usage("serve.usage");
  const migrated = told.findLast(({ event }) => event === "migrated");
  return {
    beganUs: source.beganUs,
    endedUs: source.endedUs,
    iterations: iterationsOf(told),
    frozenMs: (told.findLast(isFinalEnd)?.frozenTimeUs ?? 0) / 1000,
    sentBytes: migrated?.bytes,
    predictedMs: migrated?.predictedMs,
    drainMs: drainOf(heard),
    used: { source: usageOf(source), destination: usageOf(destination) },
  };
}

/** The server's files are its own; only its token is read by the other side. */
function serveScript({ ground, dir }: Task, flags: PhaulFlags): string {
  const places = `--state-dir ${dir}/served --work-dir ${dir}/served-work \\
  --criu ${ground.criu}`;
  return `cd ${dir}
setsid ${ground.programs}/bench_run serve.usage ${ground.phaul} serve --json ${places} \\
  ${flags.plain ? "--insecure" : ""} ${flags.serve ?? ""} </dev/null >serve.json 2>serve.err &
echo $! >serve.pid
until grep -q '"event":"listening"' serve.json; do
  kill -0 $(cat serve.pid) || { cat serve.err >&2; exit 1; }
  sleep 0.05
done`;
}

function migrateScript({ ground, dir, pid }: Task, flags: PhaulFlags): string {
  const places = `--state-dir ${dir}/migrated --work-dir ${dir}/migrated-work \\
  --criu ${ground.criu}`;
  const peer = `--peer ${ground.address} ${
    flags.plain ? "--insecure" : `--token-file ${dir}/served/join-token`
  }`;
  // Without dirty tracking phaul would say so and do the same.
  const usual = ground.preDumps ? "" : "--mode stop-and-copy";
  const mode = flags.mode === undefined ? usual : `--mode ${flags.mode}`;
  return `cd ${dir}
${ground.programs}/bench_run migrate.usage ${ground.phaul} migrate --json --pid ${pid} ${peer} \\
  ${places} ${mode} ${flags.migrate ?? ""} </dev/null >migrate.json 2>migrate.err ||
  { tail -n 20 migrate.err serve.err >&2; exit 1; }`;
}

function endScript({ dir }: Task): string {
  return `cd ${dir}
for step in $(seq ${DRAINED_WITHIN_S}0); do
  grep -q '"event":"drained"' serve.json && break
  sleep 0.1
done
kill -TERM $(cat serve.pid)
while [ ! -s serve.usage ]; do sleep 0.05; done`;
}

function eventsIn(text: string): PhaulEvent[] {
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

function isFinalEnd({ event, final }: PhaulEvent): boolean {
  return event === "iteration-end" && final === true;
}

/** The clock of the events is the victim's, but knows no less than ms. */
function timeUs({ time }: PhaulEvent): number {
  return Date.parse(time) * US_PER_MS;
}

/** The final dump is over for CRIU when it asks what to do with the tree: `frozen`. */
function iterationsOf(events: readonly PhaulEvent[]): Iteration[] {
  const begins = events.filter(({ event }) => event === "iteration-begin");
  const ends = events.filter(({ event, final }) =>
    event === "iteration-end" && final === false || event === "frozen"
  );
  return begins.flatMap((begin, n) => {
    const end = ends[n];
    if (end === undefined) return [];
    return [{ beginUs: timeUs(begin), endUs: timeUs(end), final: begin.final === true }];
  });
}

/** From when the copy runs until nothing is left to be done. */
function drainOf(events: readonly PhaulEvent[]): number | undefined {
  const running = events.findLast(({ event }) => event === "running");
  const drained = events.findLast(({ event }) => event === "drained");
  if (running === undefined || drained === undefined) return undefined;
  return Math.max(0, (timeUs(drained) - timeUs(running)) / US_PER_MS);
}

function usageOf({ userMs, systemMs, peakKib }: RunUsage): Usage {
  return { cpuMs: userMs + systemMs, peakMib: peakKib / 1024 };
}
