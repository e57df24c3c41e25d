/** What a row comes to, from what the witness, both hosts and the workload itself say. Pure. */

import { examine, type Tick, WitnessError } from "../../vm/witness.ts";
import type { Expected } from "./row.ts";

/** What was found when a row was over. */
export interface Findings {
  /** Datagrams of the workload, in any order. */
  readonly ticks: readonly Tick[];
  readonly expected: Expected;
  /** Names of the hosts on which a copy runs. */
  readonly running: readonly string[];
  /** What else is there and should not be: stopped copies, images, journals, criu processes. */
  readonly left: readonly string[];
  /** What the workload itself says to be wrong. */
  readonly damage?: string;
}

/** The verdict on a row. */
export interface Verdict {
  /** How many copies ran at the most at one moment: 2 means that the promise was broken. */
  readonly copies: number;
  /** Everything that is wrong; nothing when the row passed. */
  readonly troubles: readonly string[];
}

/**
 * Judges a row. Silence proves nothing against it; numbers that come twice, out of order or not at all
 * do, and so does anything that is left.
 */
export function judge(findings: Findings): Verdict {
  const sight = sightOf(findings.ticks);
  const copies = Math.max(sight.copies, findings.running.length);
  const troubles = [
    ...(sight.trouble === undefined ? [] : [sight.trouble]),
    ...countTroubles(findings),
    ...(findings.damage === undefined ? [] : [findings.damage]),
    ...findings.left.map((what) => `left behind: ${what}`),
  ];
  return { copies, troubles };
}

/** How many copies the datagrams speak of, and what contradicts exactly one. */
export function sightOf(ticks: readonly Tick[]): { copies: number; trouble?: string } {
  const byNumber = [...ticks].sort((a, b) => a.sequence - b.sequence || a.timeMs - b.timeMs);
  try {
    examine(byNumber[0]?.workload ?? "nobody", byNumber, {});
    return { copies: 1 };
  } catch (error) {
    if (!(error instanceof WitnessError)) throw error;
    return { copies: isDoubled(byNumber) ? 2 : 1, trouble: error.message };
  }
}

/** A number that was sent twice, or one that came after a higher one: two went on from one state. */
function isDoubled(ticks: readonly Tick[]): boolean {
  return ticks.some((tick, index) => {
    const before = ticks[index - 1];
    if (before === undefined) return false;
    return tick.sequence === before.sequence || tick.timeMs < before.timeMs;
  });
}

function countTroubles({ expected, running }: Findings): string[] {
  if (running.length > 1) return [`copies run on ${running.join(" and ")}`];
  if (running.length === 0 && expected === "one") return ["no copy runs"];
  if (running.length === 1 && (expected === "gone" || expected === "lost")) {
    return [`it runs on ${running[0]} although somebody ended it`];
  }
  return [];
}
