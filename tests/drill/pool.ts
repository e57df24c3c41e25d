/** Works through rows on several grounds at once. */

import { NotReachedError, type RowResult } from "./result.ts";
import type { Turn } from "./choose.ts";
import type { Row } from "./row.ts";

/** Where rows take place, one at a time. */
export interface Stage extends AsyncDisposable {
  /** @throws NotReachedError when the fault never came */
  perform(turn: Turn): Promise<RowResult>;
}

/** How to work. */
export interface PoolOptions {
  /** Makes another stage; it is disposed of at the end, or after a row that went wrong on it. */
  readonly makeStage: () => Promise<Stage>;
  /** How many stages at once. */
  readonly stages: number;
  /** Called after each row. */
  readonly onResult: (result: RowResult) => void;
  /** Takes no further row once it is aborted. */
  readonly signal: AbortSignal;
}

/** A race may take another turn: as often a row is tried, before that counts as a failure. */
const ATTEMPTS = 3;

/** Performs all rows, each on a stage that the one before left as it found it. */
export async function performAll(turns: readonly Turn[], options: PoolOptions): Promise<void> {
  const queue = [...turns];
  const work = async () => {
    let stage: Stage | undefined;
    try {
      for (let turn = queue.shift(); turn && !options.signal.aborted; turn = queue.shift()) {
        const { result, spoiled, used } = await performOne(turn, stage, options.makeStage);
        options.onResult(result);
        stage = used;
        if (!spoiled) continue;
        stage = undefined;
        await used?.[Symbol.asyncDispose]();
      }
    } finally {
      await stage?.[Symbol.asyncDispose]();
    }
  };
  await Promise.all(Array.from({ length: options.stages }, work));
}

interface Performed {
  readonly result: RowResult;
  /** What is left on the stage would disturb the next row. */
  readonly spoiled: boolean;
  readonly used: Stage | undefined;
}

async function performOne(
  turn: Turn,
  stage: Stage | undefined,
  makeStage: () => Promise<Stage>,
): Promise<Performed> {
  const began = performance.now();
  let used = stage;
  for (let attempt = 1;; attempt++) {
    try {
      used ??= await makeStage();
      const result = await used.perform(turn);
      const spoiled = result.troubles.length > 0 || turn.row.expected === "lost";
      return { result, spoiled, used };
    } catch (error) {
      const again = error instanceof NotReachedError && attempt < ATTEMPTS;
      if (!again) return { result: failed(turn.row, error, began), spoiled: true, used };
      await used?.[Symbol.asyncDispose]();
      used = undefined;
    }
  }
}

function failed(row: Row, error: unknown, began: number): RowResult {
  const trouble = error instanceof Error ? error.message : String(error);
  return {
    ...{
      row,
      outcome: "not reached",
      copies: 0,
      runsOn: "",
      recoveredBy: "nobody could",
      pairs: [],
    },
    troubles: [trouble],
    seconds: (performance.now() - began) / 1000,
  };
}
