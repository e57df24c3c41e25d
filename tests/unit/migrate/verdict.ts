/**
 * What is promised of a world in which nothing happens by itself any more.
 */

import { mend, type Mended } from "./mending.ts";
import type { Rules } from "./rules.ts";
import type { World } from "./world.ts";

/** What is wrong with a quiet world, however people go about mending it; undefined when nothing is. */
export function verdict(world: World, rules: Rules): string | undefined {
  const mended = mend(world, rules);
  return mended.world.past.broken ?? wayBack(world, mended, rules) ?? leftovers(mended);
}

function wayBack(world: World, mended: Mended, rules: Rules): string | undefined {
  const { sourceReset, destinationReset, killed } = world.past;
  if (mended.whereabouts === "nowhere") {
    if (wasWhole(world)) return "a copy that was whole was given up";
    if (killed || sourceReset || (destinationReset && !rules.durable)) return undefined;
    return "no copy runs, and no way leads back";
  }
  const lost = world.copy.tree === "dead";
  if (mended.forced && !sourceReset && !lost) return "a person had to decide without need";
  return undefined;
}

/** A restored copy stood still, and nobody had decided against it. */
function wasWhole({ source, destination, copy, past }: World): boolean {
  return copy.tree === "held" && copy.whole && !past.moved && !past.killed &&
    !source.journal.includes("ABORT") &&
    source.journal.length > 0 && destination.journal.includes("PREPARED") &&
    !destination.journal.includes("DISCARDED");
}

function leftovers({ world, whereabouts }: Mended): string | undefined {
  const { source, copy, victim } = world;
  if (copy.tree === "held" || copy.tree === "half") return "a copy is left that nobody knows";
  if (whereabouts === "destination" && victim.alive) return "the source's tree was left";
  if (whereabouts === "destination" && source.state === "in-doubt") {
    return "in doubt, though it runs there";
  }
  if (whereabouts === "source" && source.state === "done") return "done, but the tree runs here";
  if (whereabouts === "destination" && source.state === "aborted") {
    return "aborted, but it runs there";
  }
  return undefined;
}
