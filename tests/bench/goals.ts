/** What is promised, and how far it is kept. Pure. */

import type { Place } from "./ground.ts";
import { type Figures, middle, type Report, type Result } from "./figures.ts";

/** phaul when it restores all memory before the copy runs. */
export const EAGER = "phaul-eager";
/** phaul when memory follows while the copy is held or runs. */
export const LAZY = "phaul";

/** One promise. */
export interface Goal {
  readonly what: string;
  readonly place: Place;
  readonly sense: "at most" | "at least";
  readonly limit: number;
  readonly unit: "" | "ms" | "GB/s";
  /** What was reached; undefined when nobody ran who would show it. */
  readonly reached: (look: Look) => number | undefined;
}

/** Finds the middle run of a contestant and a victim on one ground. */
export interface Look {
  readonly figures: (contestant: string, victim: string) => Figures | undefined;
  readonly tcpMbPerS: number | undefined;
}

/** A promise on one ground, and how it was kept. */
export interface Reached {
  readonly ground: string;
  readonly goal: Goal;
  readonly value: number | undefined;
  readonly kept: boolean | undefined;
}

const FLOORS = [["writer-16", 1.25], ["writer-128", 1.1], ["writer-512", 1.1]] as const;
const MB_PER_GB = 1024;

/** All promises. */
export const GOALS: readonly Goal[] = [
  ...FLOORS.map(([victim, limit]): Goal => ({
    ...{ what: `${victim}: downtime of ${EAGER} over that of the floor`, place: "lane" },
    ...{ sense: "at most", limit, unit: "" },
    reached: (look) => ratio(downtime(look, EAGER, victim), downtime(look, "floor", victim)),
  })),
  {
    ...{ what: `writer-512: downtime of ${LAZY} over that of the floor`, place: "lane" },
    ...{ sense: "at most", limit: 0.3, unit: "" },
    reached: (look) =>
      ratio(downtime(look, LAZY, "writer-512"), downtime(look, "floor", "writer-512")),
  },
  {
    ...{ what: `${LAZY}: downtime of idle-512 over that of idle-16`, place: "lane" },
    ...{ sense: "at most", limit: 2, unit: "" },
    reached: (look) => ratio(downtime(look, LAZY, "idle-512"), downtime(look, LAZY, "idle-16")),
  },
  {
    ...{ what: `writer-512: worst stall after ${LAZY} restored`, place: "lane" },
    ...{ sense: "at most", limit: 25, unit: "ms" },
    reached: (look) => look.figures(LAZY, "writer-512")?.worstStallAfterMs,
  },
  {
    ...{ what: `writer-512: memory over the time in which ${LAZY} drained it`, place: "lane" },
    ...{ sense: "at least", limit: 0.25, unit: "GB/s" },
    reached: (look) => {
      const drainMs = look.figures(LAZY, "writer-512")?.drainMs;
      return ratio(512 / MB_PER_GB, drainMs === undefined ? undefined : drainMs / 1000);
    },
  },
  {
    ...{ what: `${LAZY}: what follows the dump, idle-2048 over idle-16`, place: "host" },
    ...{ sense: "at most", limit: 2, unit: "" },
    reached: (look) =>
      ratio(
        look.figures(LAZY, "idle-2048")?.afterDumpMs,
        look.figures(LAZY, "idle-16")?.afterDumpMs,
      ),
  },
  ...([["phaul-plain", "off", 0.7], ["phaul", "on", 0.5]] as const).map((
    [contestant, tls, limit],
  ): Goal => ({
    ...{ what: `idle-2048: page path over a plain TCP connection, TLS ${tls}`, place: "host" },
    ...{ sense: "at least", limit, unit: "" },
    reached: (look) => ratio(look.figures(contestant, "idle-2048")?.pagesMbPerS, look.tcpMbPerS),
  })),
  {
    ...{ what: "peak memory of phaul, idle-2048 over idle-16", place: "host" },
    ...{ sense: "at most", limit: 1.1, unit: "" },
    reached: (look) => ratio(peak(look, "idle-2048"), peak(look, "idle-16")),
  },
];

/** Every promise that a ground of the report could show. */
export function reachedGoals({ results, baselines }: Report): readonly Reached[] {
  const grounds = new Map(results.map(({ ground, place }) => [ground, place]));
  return [...grounds].flatMap(([ground, place]) => {
    const look = lookAt(results.filter((result) => result.ground === ground), baselines, ground);
    return GOALS.filter((goal) => goal.place === place).map((goal) => {
      const value = goal.reached(look);
      return { ground, goal, value, kept: isKept(goal, value) };
    });
  });
}

function isKept({ sense, limit }: Goal, value: number | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  return sense === "at most" ? value <= limit : value >= limit;
}

function lookAt(
  results: readonly Result[],
  baselines: Report["baselines"],
  ground: string,
): Look {
  return {
    figures: (contestant, victim) =>
      middle(
        results.filter((result) => result.contestant === contestant && result.victim === victim),
      )?.figures,
    tcpMbPerS: baselines.find((baseline) => baseline.ground === ground)?.tcpMbPerS,
  };
}

function downtime(look: Look, contestant: string, victim: string): number | undefined {
  return look.figures(contestant, victim)?.downtimeMs;
}

/** Of both sides together. */
function peak(look: Look, victim: string): number | undefined {
  const used = look.figures("phaul", victim)?.used;
  return used === undefined ? undefined : used.source.peakMib + used.destination.peakMib;
}

function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b;
}
