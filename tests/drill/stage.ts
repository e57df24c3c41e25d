/** A ground as a stage of rows. */

import { randomFor } from "./choose.ts";
import { keepEvidence } from "./evidence.ts";
import type { Ground } from "./ground.ts";
import { perform } from "./perform.ts";
import type { Stage } from "./pool.ts";

/** Performs rows on a ground, one after another; it owns the ground. */
export function stageOn(ground: Ground, seed: number): Stage {
  return {
    async perform(turn) {
      try {
        const result = await perform(ground, turn.row, randomFor(seed, turn));
        const { troubles } = result;
        if (troubles.length > 0) await keepEvidence(ground, turn.row, troubles.join("\n"));
        return result;
      } catch (error) {
        await keepEvidence(ground, turn.row, String(error));
        throw error;
      } finally {
        await ground.clear();
      }
    },
    [Symbol.asyncDispose]: () => ground[Symbol.asyncDispose](),
  };
}
