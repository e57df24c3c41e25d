/** What the harness says while it works, on stderr so that stdout stays the caller's. */

/** Prints one line of progress. */
export function progress(line: string): void {
  console.error(`vm: ${line}`);
}

/** Seconds since `sinceMs` (performance.now()), for progress lines. */
export function elapsed(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}
