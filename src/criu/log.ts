/**
 * What a person needs out of CRIU's log.
 *
 * @module
 */

/** The part of a log that explains a failure. */
export interface LogExcerpt {
  /** CRIU's own words: the first error that matters, without time and place. */
  readonly reason?: string;
  /** Errors and warnings, the last ones, as they stand in the log. */
  readonly lines: readonly string[];
}

const MAX_LINES = 20;
const ERROR_LINE = /Error \([^)]*\): (.*)$/;
/** Logged first on every run without CAP_SYS_RESOURCE, and harmless. */
const HARMLESS = /RLIMIT_NOFILE|file descriptor limits|Can't setup file limit/i;
/** Says that something failed, not what. */
const VAGUE = /^(Dumping|Pre-dumping|Restoring|Pre-dump|Dump) (FAILED|failed)|FAILED\.?$/;

/** Reads the log at `path`; one that is not there yields no lines. */
export async function logExcerpt(path: string): Promise<LogExcerpt> {
  try {
    return excerptOf(await Deno.readTextFile(path));
  } catch {
    return { lines: [] };
  }
}

/** The pure part of {@linkcode logExcerpt}. */
export function excerptOf(text: string): LogExcerpt {
  const telling = text.split("\n").filter((line) => /Error \(|Warn  \(/.test(line));
  const errors = telling.flatMap((line) => {
    const said = ERROR_LINE.exec(line)?.[1]?.trim();
    return said && !HARMLESS.test(said) ? [said] : [];
  });
  const reason = errors.find((said) => !VAGUE.test(said)) ?? errors[0];
  const lines = telling.filter((line) => !HARMLESS.test(line)).slice(-MAX_LINES);
  return reason === undefined ? { lines } : { reason, lines };
}
