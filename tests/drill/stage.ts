/** A ground as a stage of rows. */

import { randomFor } from "./choose.ts";
import type { Ground } from "./ground.ts";
import { perform } from "./perform.ts";
import type { Stage } from "./pool.ts";

/** Performs rows on a ground, one after another; it owns the ground. */
export function stageOn(ground: Ground, seed: number): Stage {
  return {
    async perform(turn) {
      const result = await perform(ground, turn.row, randomFor(seed, turn));
      await ground.clear();
      return result;
    },
    [Symbol.asyncDispose]: () => ground[Symbol.asyncDispose](),
  };
}
