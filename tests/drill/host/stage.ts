/** This host as a stage of rows. */

import type { Stage } from "../pool.ts";
import type { RowResult } from "../result.ts";
import type { Row } from "../row.ts";
import { Ground } from "./ground.ts";
import { perform } from "./perform.ts";

/** Makes two hosts on this machine, on which rows take place one after another. */
export async function hostStage(randomFor: (row: Row) => () => number): Promise<Stage> {
  const ground = await Ground.make();
  return {
    async perform(row: Row): Promise<RowResult> {
      const result = await perform(ground, row, randomFor(row));
      await ground.clear();
      return result;
    },
    [Symbol.asyncDispose]: () => ground[Symbol.asyncDispose](),
  };
}
