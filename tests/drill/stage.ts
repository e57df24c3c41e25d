/** A ground as a stage of rows. */

import type { Ground } from "./ground.ts";
import { perform } from "./perform.ts";
import type { Stage } from "./pool.ts";
import type { Row } from "./row.ts";

/** Performs rows on a ground, one after another; it owns the ground. */
export function stageOn(ground: Ground, randomFor: (row: Row) => () => number): Stage {
  return {
    async perform(row) {
      const result = await perform(ground, row, randomFor(row));
      await ground.clear();
      return result;
    },
    [Symbol.asyncDispose]: () => ground[Symbol.asyncDispose](),
  };
}
