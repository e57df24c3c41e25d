/**
 * The source of the model: what each action of its table does to the world, and how its work ends.
 */

import {
  type JournalMark,
  SOURCE_FINAL,
  type SourceAction,
  type SourceEvent,
  type SourceMark,
} from "../../../src/migrate/tables.ts";
import { dead, killed, letGo, moved, tellCriuEnded } from "./criu_model.ts";
import { closedBySource, insist, send, tellSource } from "./link_model.ts";
import type { Rules } from "./rules.ts";
import {
  broken,
  change,
  excluding,
  including,
  type Source,
  type SourceWork,
  type Step,
  type World,
} from "./world.ts";

/** An action that could not be carried out: the event that this is. */
export interface Failure {
  readonly failed: World;
}

/** What an action comes to. Undefined: it waits for something. */
type Outcome = World | Failure | undefined;

const ACTIONS: Readonly<Record<SourceAction, (world: World, rules: Rules) => Outcome>> = {
  "copy": (world) => send(busy(change(world, "victim", { criu: "copying" }), "copy"), "iteration"),
  "dump": (world) =>
    world.victim.criu === "copying"
      ? send(change(world, "victim", { criu: "dumping" }), "iteration")
      : { failed: world },
  "prepare": (world) => busy(send(world, "prepare"), "ask"),
  "journal-intent": (world) => mark(world, "INTENT"),
  "stop-tree": (world, rules) => {
    const { alive, criu } = world.victim;
    const stopped = change(world, "victim", { stopped: alive });
    const event = rules.late ? "stopped-lending" : "stopped";
    return criu === "held" && alive ? tellSource(stopped, event) : { failed: stopped };
  },
  "journal-lent": (world) => first(change(mark(world, "LENT"), "copy", { whole: false }), "lent"),
  "drain": (world) => busy(world, "drain"),
  "journal-commit": (world, rules) =>
    rules.commitComesFirst
      ? first(mark(world, "COMMIT"), "written")
      : tellSource(mark(world, "COMMIT"), "written"),
  "accept-dump": (world, rules) => {
    // What serves pages is not asked to end the tree: it is killed, and so is the criu.
    if (rules.late) return tellCriuEnded(letGo(killed(world)));
    return holds(world) ? change(world, "victim", { criu: "killing" }) : world;
  },
  "await-death": (world) => busy(world, "death"),
  "kill-tree": killed,
  "send-commit": (world) => busy(insist(world, "commit"), "commit"),
  "journal-done": (world) => mark(world, "DONE"),
  "journal-abort": (world) => mark(world, "ABORT"),
  "journal-aborted": (world) => mark(world, "ABORTED"),
  "continue-tree": continueTree,
  "refuse-dump": (world) => {
    if (!world.source.fresh || world.victim.criu === "none") return tellSource(world, "criu-ended");
    return holds(world) ? change(world, "victim", { criu: "refused" }) : world;
  },
  "end-criu": endCriu,
  "kill-criu": (world) => world.victim.criu === "none" ? world : tellCriuEnded(letGo(world)),
  "send-abort": (world) => busy(insist(change(world, "source", { told: false }), "abort"), "abort"),
  "ask-peer": (world) => busy(insist(world, "ask"), "inquire"),
  "tidy": tidy,
  "report": report,
};

function holds({ source, victim }: World): boolean {
  return source.fresh && victim.criu === "held";
}

function busy(world: World, work: SourceWork): World {
  return change(world, "source", { work: including(world.source.work, work) });
}

function mark(world: World, written: SourceMark): World {
  const { journal } = world.source;
  // A recovery may write what is written already; the rules do not count.
  const marks = journal.includes(written) ? journal : [...journal, written];
  return change(world, "source", { journal: marks, rebooted: false });
}

/** An event that is taken before those that came meanwhile. */
function first(world: World, event: SourceEvent): World {
  return change(world, "source", { queue: [event, ...world.source.queue] });
}

/** Only who knows which tasks were stopped before may continue the others. */
function continueTree(world: World): World {
  if (!world.victim.alive) return world;
  const { fresh, journal } = world.source;
  const next = fresh || journal.includes("INTENT")
    ? world
    : broken(world, "a task was continued that somebody else had stopped");
  return moved(change(next, "victim", { stopped: false }));
}

function endCriu(world: World): World {
  const { source, victim } = world;
  if (!source.fresh) return busy(world, "untraced");
  if (victim.criu === "none") return tellSource(world, "criu-ended");
  if (victim.criu === "copying") return change(world, "victim", { criu: "ending" });
  return victim.criu === "dumping" ? change(world, "victim", { criu: "aborting" }) : world;
}

/** The journal goes when the destination knows, too. */
function tidy(world: World, rules: Rules): World | undefined {
  const { state, work, told, actions } = world.source;
  if (work.includes("abort")) return undefined;
  if (state === "done") {
    if (!rules.forgetsFirst) return insist(change(world, "source", { journal: [] }), "forget");
    if (told) return change(world, "source", { journal: [] });
    const again = change(world, "source", { told: true, actions: ["tidy", ...actions] });
    return insist(again, "forget");
  }
  return told ? change(world, "source", { journal: [] }) : world;
}

function report(world: World): World {
  const { state } = world.source;
  if (!SOURCE_FINAL.has(state) && state !== "undecided") return world;
  return closedBySource(
    change(world, "source", { ended: true, queue: [], actions: [], work: [] }),
  );
}

/** The source's next action or event; none when it waits. */
export function sourceTurn(world: World, rules: Rules, taken: (pair: string) => void): Step[] {
  const { up, ended, actions, queue } = world.source;
  if (!up || ended) return [];
  if (actions.length > 0) return act(world, rules);
  const [event, ...rest] = queue;
  if (!event) return [];
  const { state } = world.source;
  const row = rules.source[state][event];
  const next = change(world, "source", { queue: rest });
  const label = `source ${state}: ${event}`;
  if (row === "impossible") {
    return [{ label, world: broken(next, `impossible: source ${state} ${event}`) }];
  }
  taken(`source ${state} ${event}`);
  return [{
    label,
    world: change(next, "source", { state: row.to, actions: row.actions, cause: event }),
  }];
}

function act(world: World, rules: Rules): Step[] {
  const [action, ...actions] = world.source.actions;
  if (!action) return [];
  const outcome = ACTIONS[action](change(world, "source", { actions }), rules);
  if (!outcome) return [];
  const label = `source does ${action}`;
  return [{ label, world: "failed" in outcome ? gaveUp(outcome.failed) : outcome }];
}

/** The machine leaves out what follows an action that failed. */
function gaveUp(world: World): World {
  return first(change(world, "source", { actions: [] }), "failed");
}

/** The source's next action, when it writes to its journal and that fails. */
export function sourceWriteFails(world: World, rules: Rules): World | undefined {
  const { up, actions: [action, ...actions] } = world.source;
  if (!up || !action?.startsWith("journal-")) return undefined;
  const next = change(world, "source", { actions });
  return rules.lenient.has(action) ? next : gaveUp(next);
}

/** How work of the source that waits for nobody else ends. */
export function sourceWorkSteps(world: World): Step[] {
  const { source, victim } = world;
  const steps: Step[] = [];
  const ended = (work: SourceWork, event: SourceEvent) =>
    steps.push({
      label: `source: ${event}`,
      world: tellSource(
        change(world, "source", { work: excluding(source.work, work) }),
        event,
      ),
    });
  if (source.work.includes("begin")) ended("begin", "start");
  if (source.work.includes("drain") && world.destination.up) {
    if (!victim.alive && !world.copy.whole) ended("drain", "failed");
    else steps.push(drained(world));
  }
  if (victim.criu !== "none") return steps;
  if (source.work.includes("death") && !victim.alive) ended("death", "dead");
  if (source.work.includes("untraced")) ended("untraced", "criu-ended");
  return steps;
}

/** The destination has fetched what was missing. */
function drained(world: World): Step {
  const whole = change(world, "copy", { whole: true });
  const idle = change(whole, "source", { work: excluding(world.source.work, "drain") });
  return { label: "source: drained", world: tellSource(idle, "drained") };
}

/** What a source does when nothing else moves any more: its deadlines. */
export function sourceDeadlines(world: World): Step[] {
  const { work, up, ended } = world.source;
  if (!up || ended) return [];
  const without = (done: SourceWork) => change(world, "source", { work: excluding(work, done) });
  const steps: Step[] = [];
  const add = (label: string, next: World) => steps.push({ label: `source ${label}`, world: next });
  if (work.includes("commit")) {
    if (world.destination.up) add("sends commit again", insist(reconnected(world), "commit"));
    add("gives up", tellSource(without("commit"), "gave-up"));
  }
  if (work.includes("abort")) {
    if (world.destination.up) add("sends abort again", insist(reconnected(world), "abort"));
    add("leaves the abort", without("abort"));
  }
  if (work.includes("inquire")) {
    if (world.destination.up) add("asks again", insist(reconnected(world), "ask"));
    add("gives up", tellSource(without("inquire"), "gave-up"));
  }
  if (work.includes("drain")) add("gives up the drain", tellSource(without("drain"), "gave-up"));
  if (work.includes("ask")) add("waits no longer", tellSource(without("ask"), "failed"));
  if (steps.length === 0 && watched(world)) add("stalls", tellSource(world, "stalled"));
  return steps;
}

function watched({ source, victim }: World): boolean {
  return source.state === "committed" ||
    (source.state === "rolling-back" && victim.criu !== "none");
}

function reconnected(world: World): World {
  return change(world, "link", { up: true, toDestination: [], toSource: [] });
}

/** The source's phaul dies. */
export function sourceCrashed(world: World): World {
  const { victim } = world;
  const down: Partial<Source> = {
    up: false,
    queue: [],
    actions: [],
    cause: undefined,
    work: [],
    fresh: false,
    told: false,
  };
  const ending = victim.criu === "ending" ? change(world, "victim", { criu: "copying" }) : world;
  return closedBySource(change(ending, "source", down));
}

/** The source's host restarts: no process of it is left. */
export function sourceReset(world: World): World {
  const gone = change(dead(world), "victim", { criu: "none", traced: false, stopped: false });
  const past = change(gone, "past", { sourceReset: true });
  return change(sourceCrashed(past), "source", { rebooted: true });
}

/** `phaul recover`, if there is anything to recover. */
export function sourceReopened(world: World, rules: Rules): World | undefined {
  const { up, ended, journal, rebooted } = world.source;
  if ((up && !ended) || journal.length === 0) return undefined;
  const event = rules.sourceRecovery(journal as readonly JournalMark[], rebooted);
  return change(world, "source", {
    up: true,
    ended: false,
    fresh: false,
    told: false,
    state: "reopened",
    queue: [event],
    actions: [],
    cause: undefined,
    work: [],
  });
}
