/**
 * Steps of a migration's beginning whose failure has to leave nothing behind.
 *
 * @module
 */

import { asPhaulError } from "../errors.ts";
import type { Journal } from "../journal/mod.ts";
import type { Destination } from "./peer.ts";
import type { Verdict } from "./verdicts.ts";

/** Tells the destination when `step` fails: a request whose answer was lost may have been carried out. */
export async function orAbort<T>(verdict: Verdict, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    verdict.abort(asPhaulError(error).message);
    await verdict.settle(false);
    throw error;
  }
}

/** Aborted when the peer is lost. */
export function lostOf(peer: Destination): AbortSignal {
  const lost = new AbortController();
  void peer.lost.then((error) => lost.abort(error));
  return lost.signal;
}

/** Nothing has begun when `step` fails, so nothing of it is to be recovered. */
export async function untouched<T>(journal: Journal, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    await journal.remove();
    throw error;
  }
}
