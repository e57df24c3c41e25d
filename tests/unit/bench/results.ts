/** Made-up results, for tests of what is done with them. */

import type { Figures, Result } from "../../bench/figures.ts";

/** Figures of a run that is remarkable for its downtime alone. */
export function figures(downtimeMs: number, more: Partial<Figures> = {}): Figures {
  const usual = { stallsMs: [], worstStallAfterMs: 0, drainMs: 0, wallMs: 1000 };
  return { ...usual, downtimeMs, ...more };
}

/** A run that went well on the lane. */
export function result(
  contestant: string,
  victim: string,
  downtimeMs: number,
  more: Partial<Result> = {},
): Result {
  const [family = "", size = ""] = victim.split("-");
  return {
    ...{ ground: "lane", place: "lane", victim, family, memoryMb: Number(size), contestant },
    ...{ repetition: 1, troubles: [], figures: figures(downtimeMs) },
    ...more,
  };
}
