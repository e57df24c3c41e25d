/**
 * Explores the worlds of the model, breadth first, so that what is found is found with the shortest
 * sequence of events.
 */

import { criuSteps } from "./criu_model.ts";
import { destinationReopened, destinationTurn, destinationWorkSteps } from "./destination_model.ts";
import { deliveries, lateDeliveries } from "./link_model.ts";
import { mishaps } from "./mishaps.ts";
import type { Rules } from "./rules.ts";
import { sourceDeadlines, sourceReopened, sourceTurn, sourceWorkSteps } from "./source_model.ts";
import { START, type Step, type World } from "./world.ts";

/** A world, and how it came to be. */
export interface Node {
  readonly world: World;
  readonly label: string;
  readonly before: Node | undefined;
  /** How many more things may go wrong. */
  readonly budget: number;
}

/** What an exploration found. */
export interface Exploration {
  readonly worlds: number;
  /** `side state event`, for every row that was taken. */
  readonly rows: ReadonlySet<string>;
  /** The first world for each promise that was broken. */
  readonly broken: ReadonlyMap<string, Node>;
  /** Worlds in which nothing more happens by itself. */
  readonly quiet: readonly Node[];
}

/** What the machines of both roles do next. */
function turns(world: World, rules: Rules, taken: (pair: string) => void): Step[] {
  return [...sourceTurn(world, rules, taken), ...destinationTurn(world, rules, taken)];
}

/**
 * A step that may be taken before all others, as it does not matter when: nothing is left to go wrong
 * between the actions of a machine, and no message is about to come in their way.
 */
function undisturbed(world: World, rules: Rules, taken: (pair: string) => void): Step | undefined {
  const { toSource, toDestination } = world.link;
  const [source] = toSource.length === 0 ? sourceTurn(world, rules, taken) : [];
  if (source) return source;
  return toDestination.length === 0 ? destinationTurn(world, rules, taken)[0] : undefined;
}

/** What happens by itself, in no particular order. */
export function ordinary(world: World, rules: Rules, taken: (pair: string) => void): Step[] {
  return [
    ...turns(world, rules, taken),
    ...criuSteps(world),
    ...sourceWorkSteps(world),
    ...destinationWorkSteps(world),
    ...deliveries(world),
  ];
}

/** What may happen next without a mishap; in a quiet world deadlines pass and people recover. */
export function unhurried(
  world: World,
  rules: Rules,
  taken: (pair: string) => void,
  onQuiet: () => void,
): Step[] {
  const steps = ordinary(world, rules, taken);
  const quiet = steps.length === 0;
  if (quiet) {
    onQuiet();
    steps.push(...sourceDeadlines(world));
  }
  const source = quiet || !world.source.up ? sourceReopened(world, rules) : undefined;
  if (source) steps.push({ label: "source recovers", world: source });
  const destination = destinationReopened(world, rules);
  if (destination) steps.push({ label: "destination recovers", world: destination });
  return steps;
}

/** The first world without a mishap for which `then` is true. */
export function reached(rules: Rules, then: (world: World) => boolean): World {
  let world: World | undefined = START;
  while (world && !then(world)) world = ordinary(world, rules, () => {})[0]?.world;
  if (!world) throw new Error("No such world is reached");
  return world;
}

/**
 * Explores every world that `start` may become with at most `budget` mishaps.
 *
 * @param until Ends the exploration early, when this promise was broken.
 */
export function explore(
  rules: Rules,
  budget: number,
  start = START,
  until?: string,
): Exploration {
  const parts = new Parts();
  const seen = new Map<string, number>();
  const rows = new Set<string>();
  const broken = new Map<string, Node>();
  const quiet: Node[] = [];
  const taken = (pair: string) => void rows.add(pair);
  let frontier: Node[] = [{ world: start, label: "", before: undefined, budget }];
  while (frontier.length > 0 && !(until && broken.has(until))) {
    const next: Node[] = [];
    const visit = (step: Step, before: Node, left: number) => {
      const world = parts.shared(step.world);
      const name = parts.name(world);
      if ((seen.get(name) ?? -1) >= left) return;
      seen.set(name, left);
      const node = { world, label: step.label, before, budget: left };
      const promise = world.past.broken;
      if (promise === undefined) next.push(node);
      else if (!broken.has(promise)) broken.set(promise, node);
    };
    for (const node of frontier) {
      const { world } = node;
      const turn = node.budget === 0 ? undisturbed(world, rules, taken) : undefined;
      const steps = turn ? [turn] : unhurried(world, rules, taken, () => quiet.push(node));
      for (const step of steps) visit(step, node, node.budget);
      for (const step of lateDeliveries(world)) visit(step, node, node.budget);
      if (node.budget === 0) continue;
      for (const step of mishaps(world, rules)) visit(step, node, node.budget - 1);
    }
    frontier = next;
  }
  return { worlds: seen.size, rows, broken, quiet };
}

/** The events that led to a world, one a line. */
export function trail(node: Node): string {
  const labels: string[] = [];
  for (let at: Node | undefined = node; at?.before; at = at.before) labels.unshift(at.label);
  return labels.join("\n");
}

/** Worlds made of shared parts, each part with a number of its own: to hold many, and to know one again. */
class Parts {
  readonly #numbers = new Map<object, number>();
  readonly #byText = new Map<string, object>();

  /** A world like `world`, of shared parts. */
  shared(world: World): World {
    const { source, destination, victim, copy, link, past } = world;
    return {
      source: this.#shared("source", source),
      destination: this.#shared("destination", destination),
      victim: this.#shared("victim", victim),
      copy: this.#shared("copy", copy),
      link: this.#shared("link", link),
      past: this.#shared("past", past),
    };
  }

  /** The same for the same world, of shared parts. */
  name({ source, destination, victim, copy, link, past }: World): string {
    const of = this.#numbers;
    return `${of.get(source)} ${of.get(destination)} ${of.get(victim)} ${of.get(copy)} ` +
      `${of.get(link)} ${of.get(past)}`;
  }

  #shared<Part extends object>(kind: keyof World, part: Part): Part {
    if (this.#numbers.has(part)) return part;
    // Always the same fields in the same order, and each of them a word or a list of words.
    const text = `${kind}|${Object.values(part).join("|")}`;
    const known = this.#byText.get(text);
    if (known) return known as Part;
    this.#byText.set(text, part);
    this.#numbers.set(part, this.#numbers.size);
    return part;
  }
}
