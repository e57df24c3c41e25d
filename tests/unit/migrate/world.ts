/**
 * The world of the model: two hosts, a tree, its copy and a link, as small immutable values. What the
 * state tables cannot know, the world holds: who really runs, what lies on which disk, what is under way.
 */

import type {
  DestinationAction,
  DestinationEvent,
  DestinationMark,
  DestinationState,
  SourceAction,
  SourceEvent,
  SourceMark,
  SourceState,
} from "../../../src/migrate/tables.ts";

/** What the source's role has begun and whose end is an event to come. */
export type SourceWork =
  | "begin"
  | "copy"
  | "ask"
  | "commit"
  | "abort"
  | "inquire"
  | "death"
  | "drain"
  | "untraced";
/** The same of the destination. */
export type DestinationWork = "restore" | "continue" | "revive" | "discard";
/** A request of the source that an event of the destination's table answers. */
export type Asked = "iteration" | "prepare" | "commit" | "abort";
/** On the way to the destination; `eof` ends a connection. */
export type ToDestination = Asked | "ask" | "forget" | "eof";
/** On the way to the source. */
export type ToSource =
  | "ready"
  | "running"
  | "discarded"
  | `no-${Asked}`
  | "holds"
  | "lacks"
  | "runs"
  | "eof";

/** A role, and the journal that outlives it. */
export interface Role<State, Event, Action, Work, Mark> {
  /** Its phaul lives. */
  readonly up: boolean;
  /** It was not reopened from its journal. */
  readonly fresh: boolean;
  readonly state: State;
  readonly queue: readonly Event[];
  /** What is left of the row that is being carried out, and the event that called for it. */
  readonly actions: readonly Action[];
  readonly cause: Event | undefined;
  readonly work: readonly Work[];
  /** Empty once it was removed. */
  readonly journal: readonly Mark[];
}

/** The source's side. */
export interface Source
  extends Role<SourceState, SourceEvent, SourceAction, SourceWork, SourceMark> {
  /** It has reported and takes no more events. */
  readonly ended: boolean;
  /** The destination knows how it ended. */
  readonly told: boolean;
  /** Its host has restarted since the last mark. */
  readonly rebooted: boolean;
}

/** The destination's side; `unknown` when it has forgotten the migration, or never knew it. */
export interface Destination extends
  Role<
    DestinationState | "unknown",
    DestinationEvent,
    DestinationAction,
    DestinationWork,
    DestinationMark
  > {
  /** Requests that wait for an answer over the present link. */
  readonly waits: readonly Asked[];
  readonly watching: boolean;
  /** Its copy was let go, or a phaul that died was about to. */
  readonly mayHaveRun: boolean;
}

/** What CRIU does on the source. In `hung` it has been told to end the tree and does not. */
export type Criu =
  | "none"
  | "copying"
  | "ending"
  | "dumping"
  | "aborting"
  | "held"
  | "refused"
  | "killing"
  | "hung";

/** The tree on the source: one task that ran when the migration began, and one that was stopped. */
export interface Victim {
  readonly alive: boolean;
  readonly criu: Criu;
  /** Frozen by CRIU. */
  readonly traced: boolean;
  /** SIGSTOP is pending or was delivered to the task that ran. */
  readonly stopped: boolean;
  /** Its images are complete. */
  readonly imaged: boolean;
}

/** The tree on the destination: `half` restored, `held`, `part` of it continued, or all. */
export interface Copy {
  readonly tree: "none" | "half" | "held" | "part" | "running" | "dead";
  /** RESTORED tells of it, or a role that has it in its hands. */
  readonly known: boolean;
  readonly images: boolean;
  /** The destination has all its memory. */
  readonly whole: boolean;
}

/** What travels. Messages of `late` were held back: they arrive at any time, or never. */
export interface Link {
  readonly up: boolean;
  /** The destination knows whom the present connection speaks of. */
  readonly spoken: boolean;
  readonly toDestination: readonly ToDestination[];
  readonly toSource: readonly ToSource[];
  readonly late: readonly Asked[];
}

/** What happened so far, as far as a promise depends on it. */
export interface Past {
  /** The tree ran on the source after its images were complete. */
  readonly moved: boolean;
  /** A copy ran on the destination. */
  readonly ran: boolean;
  /** It ended by itself, or was killed, while it ran: nobody may bring it back. */
  readonly over: boolean;
  /** Somebody killed it while it stood still on the source. */
  readonly killed: boolean;
  readonly sourceReset: boolean;
  readonly destinationReset: boolean;
  /** A phaul of the destination died. */
  readonly serveDied: boolean;
  /** An operator forced it, or a peer lied: nothing is promised then. */
  readonly unbound: boolean;
  /** A promise that was broken. */
  readonly broken: string | undefined;
}

/** Everything that can differ between two moments. */
export interface World {
  readonly source: Source;
  readonly destination: Destination;
  readonly victim: Victim;
  readonly copy: Copy;
  readonly link: Link;
  readonly past: Past;
}

/** Something that may happen, and the world after it. */
export interface Step {
  readonly label: string;
  readonly world: World;
}

/** A migration that was announced and admitted. */
export const START: World = {
  source: {
    up: true,
    fresh: true,
    state: "checked",
    queue: [],
    actions: [],
    cause: undefined,
    work: ["begin"],
    journal: ["BEGIN"],
    ended: false,
    told: false,
    rebooted: false,
  },
  destination: {
    up: true,
    fresh: true,
    state: "admitted",
    queue: [],
    actions: [],
    cause: undefined,
    work: [],
    journal: ["ADMITTED"],
    waits: [],
    watching: false,
    mayHaveRun: false,
  },
  victim: { alive: true, criu: "none", traced: false, stopped: false, imaged: false },
  copy: { tree: "none", known: false, images: false, whole: true },
  link: { up: true, spoken: true, toDestination: [], toSource: [], late: [] },
  past: {
    moved: false,
    ran: false,
    over: false,
    killed: false,
    sourceReset: false,
    destinationReset: false,
    serveDied: false,
    unbound: false,
    broken: undefined,
  },
};

/** The source's tree executes instructions. */
export function victimRuns({ victim }: World): boolean {
  return victim.alive && !victim.traced && !victim.stopped;
}

/** The world with some of a part changed. */
export function change<Part extends keyof World>(
  world: World,
  part: Part,
  changes: Partial<World[Part]>,
): World {
  return { ...world, [part]: { ...world[part], ...changes } };
}

/** The world with a broken promise, if there was one to break. */
export function broken(world: World, promise: string): World {
  return world.past.unbound || world.past.broken
    ? world
    : change(world, "past", { broken: promise });
}

/** Adds to a sorted set. */
export function including<Item extends string>(items: readonly Item[], item: Item): Item[] {
  return items.includes(item) ? [...items] : [...items, item].sort();
}

/** Takes out of a set. */
export function excluding<Item extends string>(items: readonly Item[], item: Item): Item[] {
  return items.filter((other) => other !== item);
}
