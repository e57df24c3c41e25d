/**
 * The destination of the model: what each action of its table does to the world, and how its work ends.
 */

import type {
  DestinationAction,
  DestinationEvent,
  DestinationMark,
} from "../../../src/migrate/tables.ts";
import { answer, closedByDestination, tellDestination } from "./link_model.ts";
import type { Rules } from "./rules.ts";
import {
  type Asked,
  broken,
  change,
  type DestinationWork,
  excluding,
  including,
  type Step,
  type World,
} from "./world.ts";

const ACTIONS: Readonly<Record<DestinationAction, (world: World) => World>> = {
  "receive": (world) => answered(world, "iteration"),
  "restore": (world) => busy(change(world, "copy", { images: true }), "restore"),
  "journal-prepared": (world) => first(mark(world, "PREPARED"), "written"),
  "answer-ready": (world) => answer(world, "prepare", "ready"),
  "watch-tree": (world) => {
    const watching = change(world, "destination", { watching: true });
    return world.copy.tree === "held" ? watching : tellDestination(watching, "tree-lost");
  },
  "journal-running": (world) => first(mark(world, "RUNNING"), "written"),
  "continue-tree": (world) => {
    const { mayHaveRun } = world.destination;
    if (!stands(world)) return first(world, mayHaveRun ? "was-uncertain" : "tree-lost");
    return busy(change(world, "destination", { mayHaveRun: true }), "continue");
  },
  "journal-continued": (world) => mark(world, "CONTINUED"),
  "restore-again": (world) => {
    if (!world.copy.images) return tellDestination(world, "failed");
    // What is left of the lost tree would have the pids.
    const clear = change(discarded(world), "copy", { tree: "dead" });
    return change(clear, "destination", { work: ["revive"], watching: false });
  },
  "answer-running": (world) => answer(world, "commit", "running"),
  "journal-discarded": (world) => mark(world, "DISCARDED"),
  "discard": (world) => busy(world, "discard"),
  "answer-discarded": (world) => answer(world, "abort", "discarded"),
  "refuse": (world) => {
    const asked = askedBy(world.destination.cause);
    return answer(world, asked, `no-${asked}`);
  },
  "tidy": tidy,
  "report": (world) => world,
};

/** As src/haul/answers.ts has it. */
function askedBy(event: DestinationEvent | undefined): Asked {
  return event === "iteration" || event === "prepare" || event === "abort" ? event : "commit";
}

function answered(world: World, asked: Asked): World {
  return change(world, "destination", { waits: excluding(world.destination.waits, asked) });
}

function busy(world: World, work: DestinationWork): World {
  return change(world, "destination", { work: including(world.destination.work, work) });
}

function mark(world: World, written: DestinationMark): World {
  const { journal } = world.destination;
  // A recovery may write what is written already; the rules do not count.
  return journal.includes(written)
    ? world
    : change(world, "destination", { journal: [...journal, written] });
}

/** An event that is taken before those that came meanwhile. */
function first(world: World, event: DestinationEvent): World {
  return change(world, "destination", { queue: [event, ...world.destination.queue] });
}

/** What was received goes; the journal of a copy that ran stays until the source has forgotten, too. */
function tidy(world: World): World {
  const clean = change(world, "copy", { images: false });
  return world.destination.state === "discarded"
    ? change(clean, "destination", { journal: [] })
    : clean;
}

/** The destination's next action or event; none when it waits. */
export function destinationTurn(
  world: World,
  rules: Rules,
  taken: (pair: string) => void,
): Step[] {
  const { up, actions: [action, ...actions], queue: [event, ...queue], state } = world.destination;
  if (!up || state === "unknown") return [];
  if (action) {
    const next = ACTIONS[action](change(world, "destination", { actions }));
    return [{ label: `destination does ${action}`, world: next }];
  }
  if (!event) return [];
  const row = rules.destination[state][event];
  const next = change(world, "destination", { queue });
  const label = `destination ${state}: ${event}`;
  if (row === "impossible") {
    return [{ label, world: broken(next, `impossible: destination ${state} ${event}`) }];
  }
  taken(`destination ${state} ${event}`);
  return [{
    label,
    world: change(next, "destination", { state: row.to, actions: row.actions, cause: event }),
  }];
}

/** The destination's next action, when it writes to its journal and that fails. */
export function destinationWriteFails(world: World, rules: Rules): World | undefined {
  const { up, actions: [action, ...actions] } = world.destination;
  if (!up || !action?.startsWith("journal-")) return undefined;
  if (rules.lenient.has(action)) return change(world, "destination", { actions });
  return first(change(world, "destination", { actions: [] }), "failed");
}

/** How the destination's work goes on and ends. */
export function destinationWorkSteps(world: World): Step[] {
  const { up, work } = world.destination;
  if (!up) return [];
  return work.map((each) => ({
    label: `destination's ${each} goes on`,
    world: WORK[each](world),
  }));
}

const WORK: Readonly<Record<DestinationWork, (world: World) => World>> = {
  "restore": (world) => restoring(world, "restore"),
  "revive": (world) => restoring(world, "revive"),
  "continue": (world) => {
    const { tree } = world.copy;
    if (tree === "held") return ended(runs(world), "continue", "continued");
    if (tree !== "part") return ended(world, "continue", "continued");
    return ended(change(world, "copy", { tree: "running" }), "continue", "continued");
  },
  "discard": (world) => {
    const { copy, destination } = world;
    // Whom no journal and no session knows, nobody finds.
    const left = copy.tree === "held" && !copy.known && !destination.fresh;
    const cleared = change(discarded(world), "copy", {
      tree: left || copy.tree === "none" ? copy.tree : "dead",
      images: false,
    });
    const idle = change(cleared, "destination", { work: [], watching: false });
    const refused = answer(answer(idle, "prepare", "no-prepare"), "commit", "no-commit");
    return tellDestination(refused, "cleared");
  },
};

function ended(world: World, work: DestinationWork, event: DestinationEvent): World {
  const rest = excluding(world.destination.work, work);
  return tellDestination(change(world, "destination", { work: rest }), event);
}

/** Half of it is there, then all of it, with a mark that tells of it. */
function restoring(before: World, work: DestinationWork): World {
  const { tree } = before.copy;
  const world = work === "revive" ? fetched(before) : before;
  // Without all its memory there is nothing to restore from once more.
  if (!world.copy.whole && work === "revive") return ended(world, work, "failed");
  if (tree === "none" || tree === "dead") {
    return change(world, "copy", { tree: "half", known: false });
  }
  const held = change(
    change(mark(world, "RESTORED"), "copy", { tree: "held", known: true }),
    "destination",
    { mayHaveRun: false },
  );
  return tree === "half" ? ended(held, work, "restored") : ended(world, work, "failed");
}

/** A source that stands by gives what is asked for. */
function fetched(world: World): World {
  const { source, victim } = world;
  const serves = source.up && victim.alive &&
    (source.state === "lending" || source.state === "draining");
  return serves ? change(world, "copy", { whole: true }) : world;
}

/** There is something left of the copy, and this side can find it. */
function stands({ copy: { tree, known } }: World): boolean {
  return known && (tree === "held" || tree === "part" || tree === "running");
}

/** A copy is about to be killed, which must not have run. */
function discarded(world: World): World {
  const { tree } = world.copy;
  const ran = tree === "part" || tree === "running";
  return ran ? broken(world, "phaul discarded a copy that ran") : world;
}

/** Some of the tasks are continued, and then that fails. */
export function continuedInPart(world: World): World | undefined {
  const { up, work } = world.destination;
  if (!up || !work.includes("continue") || world.copy.tree !== "held") return undefined;
  return ended(partly(world), "continue", "failed");
}

function partly(world: World): World {
  return change(runs(world), "copy", { tree: "part" });
}

/** The source's tree is there for its memory only. */
function standsStill({ source, victim }: World): boolean {
  return victim.stopped && source.journal.includes("LENT");
}

/** The copy runs an instruction. */
function runs(world: World): World {
  const { moved, ran, over } = world.past;
  let next = change(change(world, "copy", { tree: "running" }), "past", { ran: true });
  if (world.victim.alive && !standsStill(world)) next = broken(next, "two copies");
  return moved || ran || over ? broken(next, "a copy runs that has run before") : next;
}

/** A restore fails, with nothing left of it. */
export function restoreFails(world: World): World | undefined {
  const { up, work } = world.destination;
  const each = work.find((w) => w === "restore" || w === "revive");
  if (!up || !each) return undefined;
  return ended(change(world, "copy", { tree: "dead", known: false }), each, "failed");
}

/** The held or the running copy is killed. */
export function copyKilled(world: World): World | undefined {
  const { tree } = world.copy;
  if (tree !== "held" && tree !== "part" && tree !== "running") return undefined;
  const next = change(world, "copy", { tree: "dead" });
  // One that was let go can no longer be told from one that ran.
  const letGo = world.destination.work.includes("continue");
  if (tree !== "held" || letGo) return change(next, "past", { over: true });
  return world.destination.watching ? tellDestination(next, "tree-lost") : next;
}

/** The destination's phaul dies: each thing that this may leave. */
export function destinationCrashed(world: World, rules: Rules): World[] {
  const { tree } = world.copy;
  const down = closedByDestination(
    change(change(world, "past", { serveDied: true }), "destination", {
      up: false,
      fresh: false,
      queue: [],
      actions: [],
      cause: undefined,
      work: [],
      waits: [],
      watching: false,
      mayHaveRun: false,
    }),
  );
  const dead = change(down, "copy", { tree: "dead" });
  if (tree === "half") return rules.leavesHalf ? [change(down, "copy", { tree: "held" })] : [dead];
  if (tree !== "held") return [down];
  if (rules.holdMode === "notify") return [dead];
  return world.destination.work.includes("continue") ? [down, partly(down)] : [down];
}

/** The destination's host restarts. */
export function destinationReset(world: World, rules: Rules): World {
  const [down = world] = destinationCrashed(world, rules);
  const { tree, images } = world.copy;
  const gone = change(down, "copy", {
    tree: tree === "none" ? "none" : "dead",
    images: images && rules.durable,
  });
  const over = world.past.over || tree === "part" || tree === "running";
  return change(gone, "past", { destinationReset: true, over });
}

/** `phaul serve` starts again. */
export function destinationReopened(world: World, rules: Rules): World | undefined {
  const { up, journal } = world.destination;
  if (up) return undefined;
  if (journal.length === 0) return change(world, "destination", { up: true, state: "unknown" });
  return change(world, "destination", {
    up: true,
    state: "reopened",
    queue: [rules.destinationRecovery(journal, stands(world))],
    mayHaveRun: journal.includes("RUNNING"),
  });
}
