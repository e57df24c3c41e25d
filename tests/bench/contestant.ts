/** Who moves a victim, and what all of them are given. */

import type { Course } from "./figures.ts";
import type { Ground } from "./ground.ts";

/** A victim that runs on the source. */
export interface Task {
  readonly ground: Ground;
  /** Root of its tree, as the source numbers it. */
  readonly pid: number;
  /** Empty, in memory, and seen by both hosts. */
  readonly dir: string;
  /** How many pre-dumps are to be made, by those who do not decide it themselves. */
  readonly preDumps: number;
  /** How far their beginnings are to be apart, by those who are to find as much rewritten as phaul. */
  readonly paceMs: number;
}

/** One of those that are compared. */
export interface Contestant {
  readonly name: string;
  /** What it is, for people. */
  readonly what: string;
  /** Whether CI lets it run. */
  readonly quick: boolean;
  /** Whether it runs when nobody asks for it. */
  readonly usual: boolean;
  /**
   * Moves the victim; returns when the copy runs and all its memory is there.
   *
   * @throws Error with what was said when it failed
   */
  move(task: Task): Promise<Course>;
}
