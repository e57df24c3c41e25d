/**
 * Reads the summaries of Deno's test runner, and those of our own runners. Pure.
 *
 * @module
 */

/** How many tests passed, failed and were skipped. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** No tests at all. */
export const NO_TESTS: Counts = { passed: 0, failed: 0, skipped: 0 };

// deno-lint-ignore no-control-regex
const COLOUR = /\x1b\[[0-9;]*m/g;
const SUMMARY =
  /^(?:ok|FAILED) \| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored)?/;

const OWN_SUMMARY = /^(\d+) passed, (\d+) failed, (\d+) skipped$/;

/**
 * The counts in what `deno test` printed, or a runner of our own: of its last summary, since a test may print such a line too.
 *
 * @returns Undefined when there is no summary: the run was cut off.
 */
export function readSummary(output: string): Counts | undefined {
  const lines = output.replaceAll(COLOUR, "").split("\n");
  const match = lines.map((line) => SUMMARY.exec(line) ?? OWN_SUMMARY.exec(line)).findLast((
    found,
  ) => found !== null);
  if (match === undefined || match === null) return undefined;
  const [, passed, failed, ignored] = match;
  return { passed: Number(passed), failed: Number(failed), skipped: Number(ignored ?? 0) };
}

/** The sum of all counts. */
export function sumCounts(all: readonly Counts[]): Counts {
  return all.reduce((sum, one) => ({
    passed: sum.passed + one.passed,
    failed: sum.failed + one.failed,
    skipped: sum.skipped + one.skipped,
  }), NO_TESTS);
}

/** `N passed, N failed, N skipped`. */
export function showCounts(counts: Counts): string {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}
