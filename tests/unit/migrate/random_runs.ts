/**
 * Random runs through the model: longer, and with more mishaps, than can be explored.
 */

import { unhurried } from "./explore.ts";
import { lateDeliveries } from "./link_model.ts";
import { mishaps } from "./mishaps.ts";
import type { Rules } from "./rules.ts";
import { START, type Step, type World } from "./world.ts";
import { verdict } from "./verdict.ts";

/** What many runs came to. */
export interface Runs {
  readonly rows: ReadonlySet<string>;
  /** The first run that broke each promise: its seed and the events. */
  readonly broken: ReadonlyMap<string, string>;
}

/** Longer than any run that ends. */
const STEPS = 600;
/** One step out of so many is a mishap: a run without any takes about sixty. */
const RARITY = 20;

/** Runs through the model `count` times with at most `budget` mishaps each; `seed` repeats it. */
export function randomRuns(rules: Rules, budget: number, count: number, seed: number): Runs {
  const rows = new Set<string>();
  const broken = new Map<string, string>();
  for (let run = seed; run < seed + count; run++) {
    const labels: string[] = [];
    const promise = randomRun(rules, budget, run, (pair) => void rows.add(pair), labels);
    if (promise === undefined || broken.has(promise)) continue;
    broken.set(promise, `seed ${run}:\n${labels.join("\n")}`);
  }
  return { rows, broken };
}

function randomRun(
  rules: Rules,
  budget: number,
  seed: number,
  taken: (pair: string) => void,
  labels: string[],
): string | undefined {
  const draw = generator(seed);
  let world: World = START;
  let left = budget;
  for (let steps = 0; steps < STEPS; steps++) {
    let quiet = false;
    let choice: Step[] = unhurried(world, rules, taken, () => quiet = true);
    const wrong = quiet && !world.past.unbound ? verdict(world, rules) : undefined;
    if (wrong) return wrong;
    if (left > 0 && draw(RARITY) === 0) {
      choice = mishaps(world, rules);
      left--;
    } else choice.push(...lateDeliveries(world));
    const step = choice[draw(choice.length)];
    if (!step) return undefined;
    labels.push(step.label);
    world = step.world;
    if (world.past.broken) return world.past.broken;
  }
  return undefined;
}

/** Numbers below a bound, always the same ones for a seed (mulberry32). */
function generator(seed: number): (bound: number) => number {
  let state = Math.imul(seed, 0x9e3779b1);
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
