/**
 * The death of the source's tree.
 *
 * @module
 */

import { asPhaulError } from "../errors.ts";
import type { ProcessTree } from "../proc/mod.ts";
import type { Stages } from "./stages.ts";

const LOOK_AGAIN_MS = 1000;

/**
 * Resolves when every process held is gone. Nothing else tells of that, and until it is known the tree
 * runs nowhere: a look that fails, for want of descriptors, is repeated.
 */
export async function untilDead(tree: ProcessTree, stages: Stages): Promise<void> {
  for (;;) {
    try {
      return await tree.exited();
    } catch (error) {
      stages.warn(asPhaulError(error).message);
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }
}
