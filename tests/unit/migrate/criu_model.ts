/**
 * CRIU on the source, as docs and tests of CRIU found it: whoever loses hold of the tree lets it run.
 */

import { tellSource } from "./link_model.ts";
import { broken, change, excluding, type Step, victimRuns, type World } from "./world.ts";

/** What CRIU does next by itself. */
export function criuSteps(world: World): Step[] {
  const { victim, source } = world;
  const orphan = !source.up || !source.fresh;
  switch (victim.criu) {
    case "none":
      return [];
    case "hung":
      return [];
    case "copying":
      return orphan ? [step("criu ends", letGo(world))] : copied(world);
    case "ending":
      return [step("criu ends", tellCriuEnded(letGo(world)))];
    case "dumping":
      return [orphan || !victim.alive ? resumes(world) : freezes(world)];
    case "aborting":
      return victim.alive && !orphan ? [resumes(world), freezes(world)] : [resumes(world)];
    case "held":
      return orphan ? [resumes(world)] : [];
    case "refused":
      return [resumes(world)];
    case "killing":
      return [step("criu ends the tree", tellCriuEnded(letGo(dead(world))))];
  }
}

function step(label: string, world: World): Step {
  return { label, world };
}

function copied(world: World): Step[] {
  const { work } = world.source;
  if (!work.includes("copy")) return [];
  const done = change(world, "source", { work: excluding(work, "copy") });
  return [step("pre-copy ends", tellSource(done, "copied"))];
}

function freezes(world: World): Step {
  const frozen = change(world, "victim", { criu: "held", traced: true, imaged: true });
  return step("criu has dumped", tellSource(frozen, "dumped"));
}

function resumes(world: World): Step {
  return step("criu resumes the tree", tellCriuEnded(letGo(world)));
}

/** CRIU is gone: the tree runs, unless it was stopped. */
export function letGo(world: World): World {
  const next = change(world, "victim", { criu: "none", traced: false });
  return moved(next);
}

/** Notes that the tree runs after it was copied. */
export function moved(world: World): World {
  if (!world.victim.imaged || !victimRuns(world)) return world;
  const next = world.past.ran ? broken(world, "two copies") : world;
  return change(next, "past", { moved: true });
}

/** Nothing is left of the tree on the source. */
export function dead(world: World): World {
  return change(world, "victim", { alive: false });
}

/** The tree is killed by phaul, which must know that it cannot run. */
export function killed(world: World): World {
  if (victimRuns(world)) return dead(broken(world, "phaul killed a tree that ran"));
  if (world.copy.whole || !world.victim.alive) return dead(world);
  return dead(broken(world, "phaul killed a tree whose memory was still needed"));
}

/** A session that has ended says so. */
export function tellCriuEnded(world: World): World {
  return world.source.fresh ? tellSource(world, "criu-ended") : world;
}
