/**
 * The link of the model: one connection at a time, requests one way and answers the other.
 */

import type { DestinationEvent, SourceEvent } from "../../../src/migrate/tables.ts";
import {
  type Asked,
  change,
  type Destination,
  excluding,
  including,
  type SourceWork,
  type Step,
  type ToDestination,
  type ToSource,
  type World,
} from "./world.ts";

/** Queues events of the source's role. */
export function tellSource(world: World, ...events: SourceEvent[]): World {
  const { up, ended, queue } = world.source;
  if (!up || ended) return world;
  return change(world, "source", { queue: [...queue, ...events] });
}

/** Queues events of the destination's role. */
export function tellDestination(world: World, ...events: DestinationEvent[]): World {
  const { up, state, queue } = world.destination;
  if (!up || state === "unknown") return world;
  return change(world, "destination", { queue: [...queue, ...events] });
}

/** Sends over the link as it is; into a broken one nothing goes. */
export function send(world: World, message: ToDestination): World {
  if (!world.link.up) return world;
  return change(world, "link", { toDestination: [...world.link.toDestination, message] });
}

/** Sends, over a new connection if need be and if anybody listens. */
export function insist(world: World, message: ToDestination): World {
  const { link, destination } = world;
  const connected = link.up || !destination.up
    ? world
    : change(world, "link", { up: true, toDestination: [], toSource: [] });
  return send(connected, message);
}

/** Answers whoever waits for `asked`. */
export function answer(world: World, asked: Asked, message: ToSource): World {
  const { waits } = world.destination;
  if (!waits.includes(asked)) return world;
  return reply(change(world, "destination", { waits: excluding(waits, asked) }), message);
}

function reply(world: World, message: ToSource): World {
  if (!world.link.up) return world;
  return change(world, "link", { toSource: [...world.link.toSource, message] });
}

/** The source's end closes the connection; what was sent before still arrives. */
export function closedBySource(world: World): World {
  const { up, toDestination } = world.link;
  if (!up) return world;
  return change(world, "link", {
    up: false,
    toSource: [],
    toDestination: [...toDestination, "eof"],
  });
}

/** The same of the destination's. */
export function closedByDestination(world: World): World {
  const { up, toSource } = world.link;
  if (!up) return change(world, "link", { toDestination: [] });
  return change(world, "link", { up: false, toDestination: [], toSource: [...toSource, "eof"] });
}

/** Each message that may arrive next. */
export function deliveries(world: World): Step[] {
  const { toDestination: [request, ...requests], toSource: [answer, ...answers] } = world.link;
  const steps: Step[] = [];
  if (request) {
    const next = change(world, "link", { toDestination: requests });
    steps.push({ label: `destination receives ${request}`, world: received(next, request) });
  }
  if (answer) {
    const next = change(world, "link", { toSource: answers });
    steps.push({ label: `source receives ${answer}`, world: answered(next, answer) });
  }
  return steps;
}

/** Each message that was held back and may arrive now, or never. */
export function lateDeliveries(world: World): Step[] {
  if (!world.destination.up) return [];
  return world.link.late.map((request) => ({
    label: `destination receives ${request}, late`,
    world: received(
      change(world, "link", { late: excluding(world.link.late, request) }),
      request,
    ),
  }));
}

function received(world: World, request: ToDestination): World {
  const { destination } = world;
  if (!destination.up) return world;
  switch (request) {
    case "eof":
      return tellDestination(
        change(change(world, "link", { spoken: false }), "destination", { waits: [] }),
        "peer-lost",
      );
    case "ask":
      return reply(world, whatIsThere(destination));
    case "forget":
      return forgets(destination) ? change(world, "destination", { journal: [] }) : world;
    default: {
      if (destination.state === "unknown") {
        return reply(world, request === "abort" ? "discarded" : `no-${request}`);
      }
      const waits = including(destination.waits, request);
      const spoken = change(world, "link", { spoken: true });
      return tellDestination(change(spoken, "destination", { waits }), request);
    }
  }
}

function forgets({ state }: Destination): boolean {
  return state === "running" || state === "discarded";
}

function whatIsThere({ state }: Destination): ToSource {
  if (state === "running") return "runs";
  return state === "unknown" || state === "discarded" ? "lacks" : "holds";
}

/** Which answer ends which work, and the event that this is. */
const ANSWERS: Readonly<
  Record<
    Exclude<ToSource, "eof" | "no-iteration">,
    readonly [SourceWork, SourceEvent | undefined, boolean?]
  >
> = {
  ready: ["ask", "ready"],
  "no-prepare": ["ask", "failed"],
  running: ["commit", "acknowledged"],
  "no-commit": ["commit", "failed"],
  discarded: ["abort", undefined, true],
  "no-abort": ["abort", undefined, true],
  holds: ["inquire", "peer-holds"],
  lacks: ["inquire", "peer-lacks", true],
  runs: ["inquire", "peer-runs"],
};

function answered(world: World, message: ToSource): World {
  const { source } = world;
  if (message === "eof") return source.fresh ? tellSource(world, "peer-lost") : world;
  if (message === "no-iteration") {
    return source.fresh ? tellSource(world, "failed") : world;
  }
  const [work, event, told] = ANSWERS[message];
  if (!source.work.includes(work)) return world;
  const next = change(world, "source", {
    work: excluding(source.work, work),
    told: source.told || told === true,
  });
  return event ? tellSource(next, event) : next;
}
