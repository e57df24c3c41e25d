/** From gaps and a contestant's course to figures. Pure. */

import type { Course, Figures, Gap } from "./figures.ts";

const US_PER_MS = 1000;
/** So long a copy is watched for stalls after it began to run, or after its memory was drained. */
export const WATCHED_MS = 1000;

/**
 * The figures of a run.
 *
 * @throws Error when the victim was never seen to stand still
 */
export function evaluate(course: Course, gaps: readonly Gap[], memoryMb: number): Figures {
  const during = gaps.filter(({ atUs, lengthUs }) => atUs + lengthUs >= course.beganUs);
  const [down] = during.toSorted((a, b) => b.lengthUs - a.lengthUs);
  if (down === undefined) throw new Error("Cannot see when the victim stood still");
  const runsUs = down.atUs + down.lengthUs;
  const quietUs = runsUs + ((course.drainMs ?? 0) + WATCHED_MS) * US_PER_MS;
  const final = course.iterations.find((iteration) => iteration.final);
  const { sentBytes, frozenMs, predictedMs, used } = course;
  return {
    downtimeMs: ms(down.lengthUs),
    frozenMs,
    afterDumpMs: final === undefined ? undefined : ms(Math.max(0, runsUs - final.endUs)),
    stallsMs: course.iterations.filter((iteration) => !iteration.final)
      .map(({ beginUs, endUs }) => longest(during, beginUs, endUs)),
    worstStallAfterMs: longest(during, runsUs, quietUs),
    drainMs: course.drainMs ?? 0,
    wallMs: ms(course.endedUs - course.beganUs),
    sentBytes,
    sentPerMemory: sentBytes === undefined ? undefined : sentBytes / (memoryMb * 2 ** 20),
    pagesMbPerS: throughput(course),
    predictedMs,
    used,
  };
}

/** Only of a single dump: others write pages at moments of their own. */
function throughput({ iterations, sentBytes }: Course): number | undefined {
  const [only, ...others] = iterations;
  if (only === undefined || others.length > 0 || sentBytes === undefined) return undefined;
  return sentBytes / 2 ** 20 / ((only.endUs - only.beginUs) / (1000 * US_PER_MS));
}

/** The longest gap that begins between two moments; 0 when all were too short to be told. */
function longest(gaps: readonly Gap[], fromUs: number, toUs: number): number {
  const lengths = gaps.filter(({ atUs }) => atUs >= fromUs && atUs < toUs)
    .map(({ lengthUs }) => ms(lengthUs));
  return Math.max(0, ...lengths);
}

function ms(us: number): number {
  return us / US_PER_MS;
}
