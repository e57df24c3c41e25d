/**
 * Both tables in one small world: a victim, a copy, a link that breaks, and whatever else may happen.
 * Explores every order of events, breadth first, and tells what each reachable world looks like.
 */

import {
  DESTINATION_TABLE,
  type DestinationEvent,
  type DestinationState,
  SOURCE_TABLE,
  type SourceEvent,
  type SourceState,
} from "../../../src/migrate/tables.ts";

/** Work that a side has begun and whose end is an event to come. */
type SourceWork = "copy" | "dump" | "post-dump" | "asking" | "ending" | "dying" | "committing";
type DestinationWork = "restore" | "continue" | "discard" | "revive";
type Message = "prepare" | "commit" | "abort" | "ready" | "running" | "no";

/** Everything that can differ between two moments. */
export interface World {
  readonly source: SourceState;
  readonly destination: DestinationState;
  readonly sourceQueue: readonly SourceEvent[];
  readonly destinationQueue: readonly DestinationEvent[];
  readonly sourceWork: readonly SourceWork[];
  readonly destinationWork: readonly DestinationWork[];
  readonly toSource: readonly Message[];
  readonly toDestination: readonly Message[];
  readonly victim: "running" | "frozen" | "dead";
  /** SIGSTOP is queued: once thawed, the victim does not run. */
  readonly stopQueued: boolean;
  readonly copy: "none" | "held" | "running" | "dead";
  readonly commitWritten: boolean;
  readonly linkUp: boolean;
  /** How many more things may go wrong. */
  readonly mishaps: number;
}

/** A pair that a table calls impossible was reached. */
export interface Defect {
  readonly side: "source" | "destination";
  readonly state: string;
  readonly event: string;
}

/** What an exploration found. */
export interface Exploration {
  readonly worlds: number;
  readonly defects: readonly Defect[];
  /** `side state event`, for every row that was taken. */
  readonly rows: ReadonlySet<string>;
  /** Worlds in which nothing more can happen by itself. */
  readonly ends: readonly World[];
  /** Worlds with two running copies. */
  readonly doubles: readonly World[];
}

const START: World = {
  source: "checked",
  destination: "admitted",
  sourceQueue: ["start"],
  destinationQueue: ["iteration"],
  sourceWork: [],
  destinationWork: [],
  toSource: [],
  toDestination: [],
  victim: "running",
  stopQueued: false,
  copy: "none",
  commitWritten: false,
  linkUp: true,
  mishaps: 0,
};

/** Explores all worlds with at most `mishaps` failures, cancels, stalls and broken links. */
export function explore(mishaps: number): Exploration {
  const seen = new Set<string>();
  const frontier: World[] = [{ ...START, mishaps }];
  const defects: Defect[] = [];
  const rows = new Set<string>();
  const ends: World[] = [];
  const doubles: World[] = [];
  for (let world = frontier.pop(); world; world = frontier.pop()) {
    const key = JSON.stringify(world);
    if (seen.has(key)) continue;
    seen.add(key);
    if (world.victim === "running" && world.copy === "running") doubles.push(world);
    const own = ordinary(world, defects, rows);
    if (own.length === 0) ends.push(world);
    frontier.push(...own, ...(world.mishaps > 0 ? mishapsOf(world) : []));
  }
  return { worlds: seen.size, defects, rows, ends, doubles };
}

/** Everything that may happen next when nothing goes wrong from outside. */
function ordinary(world: World, defects: Defect[], rows: Set<string>): World[] {
  // A queued event is taken before anything else of its side: that is what a machine does.
  if (world.sourceQueue.length > 0) return [takeSource(world, defects, rows)];
  if (world.destinationQueue.length > 0) return [takeDestination(world, defects, rows)];
  return [
    ...world.sourceWork.flatMap((work) => sourceWorkEnds(without(world, "sourceWork", work), work)),
    ...world.destinationWork.flatMap((work) =>
      destinationWorkEnds(without(world, "destinationWork", work), work)
    ),
    ...deliveries(world),
  ];
}

function without<Key extends "sourceWork" | "destinationWork">(
  world: World,
  key: Key,
  work: World[Key][number],
): World {
  return { ...world, [key]: (world[key] as readonly string[]).filter((w) => w !== work) };
}

function sourceEvent(world: World, ...events: SourceEvent[]): World {
  return { ...world, sourceQueue: [...world.sourceQueue, ...events] };
}

function destinationEvent(world: World, ...events: DestinationEvent[]): World {
  return { ...world, destinationQueue: [...world.destinationQueue, ...events] };
}

function sourceWork(world: World, work: SourceWork): World {
  return { ...world, sourceWork: [...new Set([...world.sourceWork, work])].sort() };
}

function destinationWork(world: World, work: DestinationWork): World {
  return { ...world, destinationWork: [...new Set([...world.destinationWork, work])].sort() };
}

function takeSource(world: World, defects: Defect[], rows: Set<string>): World {
  const [event, ...rest] = world.sourceQueue;
  if (!event) return world;
  const row = SOURCE_TABLE[world.source][event];
  if (row === "impossible") {
    defects.push({ side: "source", state: world.source, event });
    return { ...world, sourceQueue: rest };
  }
  rows.add(`source ${world.source} ${event}`);
  let next: World = { ...world, sourceQueue: rest, source: row.to };
  for (const action of row.actions) next = sourceAction(next, action);
  return next;
}

function sourceAction(world: World, action: string): World {
  const send = (message: Message): World =>
    world.linkUp ? { ...world, toDestination: [...world.toDestination, message] } : world;
  const thaw = (w: World): World => (w.victim === "frozen" ? { ...w, victim: "running" } : w);
  switch (action) {
    case "copy":
      return sourceWork(world, "copy");
    case "dump":
      return sourceWork(world, "dump");
    case "prepare":
      return sourceWork(send("prepare"), "asking");
    case "stop-tree":
      return sourceEvent({ ...world, stopQueued: true }, "stopped");
    case "journal-commit":
      return sourceEvent({ ...world, commitWritten: true }, "written");
    case "journal-abort":
      return { ...world, commitWritten: false };
    case "accept-dump":
      return sourceWork(without(world, "sourceWork", "post-dump"), "dying");
    case "kill-tree":
      return { ...world, victim: "dead" };
    case "continue-tree":
      return { ...world, stopQueued: false };
    case "refuse-dump":
      return sourceWork(thaw(without(world, "sourceWork", "post-dump")), "ending");
    case "end-criu":
    case "kill-criu":
      return sourceWork(thaw(without(world, "sourceWork", "copy")), "ending");
    case "send-commit":
      return sourceWork(send("commit"), "committing");
    case "send-abort":
      return send("abort");
    default:
      return world;
  }
}

function sourceWorkEnds(world: World, work: SourceWork): World[] {
  switch (work) {
    case "copy":
      return [sourceEvent(world, "copied")];
    case "dump":
      return [sourceEvent(sourceWork({ ...world, victim: "frozen" }, "post-dump"), "dumped")];
    case "ending":
      return [sourceEvent(without(world, "sourceWork", "dump"), "criu-ended")];
    case "dying":
      // CRIU may also fail after it was told to go on.
      return [
        sourceEvent({ ...world, victim: "dead" }, "criu-ended", "dead"),
        sourceEvent(world, "criu-ended", "dead"),
      ];
    case "committing":
      // A commit whose answer was lost is sent again over a new link.
      if (world.linkUp) return [];
      return [
        sourceWork({ ...world, linkUp: true, toDestination: ["commit"] }, "committing"),
        sourceEvent(world, "gave-up"),
      ];
    case "post-dump":
    case "asking":
      return [];
  }
}

function takeDestination(world: World, defects: Defect[], rows: Set<string>): World {
  const [event, ...rest] = world.destinationQueue;
  if (!event) return world;
  const row = DESTINATION_TABLE[world.destination][event];
  if (row === "impossible") {
    defects.push({ side: "destination", state: world.destination, event });
    return { ...world, destinationQueue: rest };
  }
  rows.add(`destination ${world.destination} ${event}`);
  let next: World = { ...world, destinationQueue: rest, destination: row.to };
  for (const action of row.actions) next = destinationAction(next, action, event);
  return next;
}

function destinationAction(world: World, action: string, event: DestinationEvent): World {
  const send = (message: Message): World =>
    world.linkUp ? { ...world, toSource: [...world.toSource, message] } : world;
  switch (action) {
    case "restore":
      return destinationWork(world, "restore");
    case "journal-prepared":
      return destinationEvent(world, "written");
    case "answer-ready":
      return send("ready");
    case "continue-tree":
      return destinationWork(world, "continue");
    case "restore-again":
      return destinationWork(world, "revive");
    case "answer-running":
      return send("running");
    case "discard":
      return destinationWork(world, "discard");
    case "refuse":
      return event === "commit" || event === "prepare" || event === "failed" ? send("no") : world;
    default:
      return world;
  }
}

function destinationWorkEnds(world: World, work: DestinationWork): World[] {
  switch (work) {
    case "restore":
      return [destinationEvent({ ...world, copy: "held" }, "restored")];
    case "continue":
      return world.copy === "held"
        ? [destinationEvent({ ...world, copy: "running" }, "continued")]
        : [world];
    case "revive":
      return [destinationEvent({ ...world, copy: "running" }, "restored")];
    case "discard": {
      const rest = without(world, "destinationWork", "restore");
      const copy = rest.copy === "none" ? "none" : "dead";
      // Whoever still waits for an answer gets a refusal.
      const toSource: Message[] = rest.linkUp ? [...rest.toSource, "no"] : [];
      return [destinationEvent({ ...rest, copy, toSource }, "cleared")];
    }
  }
}

function deliveries(world: World): World[] {
  const worlds: World[] = [];
  const [request, ...requests] = world.toDestination;
  if (request) {
    const event = request as "prepare" | "commit" | "abort";
    worlds.push(destinationEvent({ ...world, toDestination: requests }, event));
  }
  const [answer, ...answers] = world.toSource;
  if (answer) worlds.push(...answered({ ...world, toSource: answers }, answer));
  return worlds;
}

function answered(world: World, answer: Message): World[] {
  if (answer === "ready") {
    return world.sourceWork.includes("asking")
      ? [sourceEvent(without(world, "sourceWork", "asking"), "ready")]
      : [world];
  }
  if (answer === "running") {
    return world.sourceWork.includes("committing")
      ? [sourceEvent(without(world, "sourceWork", "committing"), "acknowledged")]
      : [world];
  }
  if (world.sourceWork.includes("committing")) {
    return [sourceEvent(without(world, "sourceWork", "committing"), "failed")];
  }
  return world.sourceWork.includes("asking")
    ? [sourceEvent(without(world, "sourceWork", "asking"), "failed")]
    : [world];
}

/** Everything that may go wrong now. */
function mishapsOf(before: World): World[] {
  const world: World = { ...before, mishaps: before.mishaps - 1 };
  const worlds = [
    sourceEvent(world, "cancel"),
    sourceEvent(world, "stalled"),
    sourceEvent(world, "failed"),
    destinationEvent(world, "cancel"),
    destinationEvent(world, "stalled"),
    destinationEvent(world, "failed"),
  ].filter((next) => !isFailureOfCommit(world, next));
  if (world.linkUp) {
    const cut = { ...world, linkUp: false, toSource: [], toDestination: [] };
    worlds.push(sourceEvent(destinationEvent(cut, "peer-lost"), "peer-lost"));
  }
  if (world.copy === "held") {
    worlds.push(destinationEvent({ ...world, copy: "dead" }, "tree-lost"));
  }
  const criuDied = criuDies(world);
  if (criuDied) worlds.push(criuDied);
  const [again] = world.toDestination;
  if (again) worlds.push({ ...world, toDestination: [again, ...world.toDestination] });
  return worlds;
}

/** In `handing-over` a failure is the peer's refusal, which the model produces itself. */
function isFailureOfCommit(world: World, next: World): boolean {
  return world.source === "handing-over" && next.sourceQueue.at(-1) === "failed" &&
    world.sourceQueue.length < next.sourceQueue.length;
}

/** A dying swrk thaws the victim, which runs unless SIGSTOP is queued. */
function criuDies(world: World): World | undefined {
  if (!world.sourceWork.some((work) => work === "dump" || work === "post-dump")) return undefined;
  const rest = without(without(world, "sourceWork", "dump"), "sourceWork", "post-dump");
  return sourceEvent(
    { ...rest, victim: rest.victim === "dead" ? "dead" : "running" },
    "criu-ended",
  );
}
