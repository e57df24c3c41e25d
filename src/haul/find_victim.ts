/**
 * The process that an operator means.
 *
 * @module
 */

import { findByName, findByPidFile, findByUnit } from "../proc/mod.ts";
import type { VictimChoice } from "./options.ts";

/**
 * The pid of the root of the tree that is meant.
 *
 * @throws PhaulError `no-such-process`
 */
export async function findVictim(choice: VictimChoice): Promise<number> {
  switch (choice.by) {
    case "pid":
      return choice.pid;
    case "name":
      return findByName(choice.name);
    case "pidfile":
      return findByPidFile(choice.path);
    case "unit":
      return await findByUnit(choice.unit);
    default:
      throw new TypeError(`Unknown: ${choice satisfies never}`);
  }
}
