/**
 * What a person needs out of CRIU's log.
 *
 * @module
 */

/** The part of a log that explains a failure. */
export interface LogExcerpt {
  /** CRIU's own words: the first error that matters, without time and place. */
  readonly reason?: string;
  /** Errors and warnings, the last 20, as they stand in the log. */
  readonly lines: readonly string[];
}

const MAX_LINES = 20;
/** The rest of a longer one tells a person nothing, and keeps the expressions below busy for long. */
const MAX_LINE_CHARS = 1000;
/** A file or process may have a name that steers a terminal, and CRIU writes it as it is. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]+/gu;
/** A log of level 4 can be huge, and what matters stands at its end. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;
/** `(00.012345)    123: Error (criu/file.c:12): words`; the time and the pid need not be there. */
const ERROR_LINE = /\bError \([^)]*\): (.*)$/;
const WARNING_LINE = /\bWarn {2}\(/;
/**
 * Logged first on every run without CAP_SYS_RESOURCE, and on every one whose page channel is no TCP
 * socket; harmless.
 */
const HARMLESS =
  /RLIMIT_NOFILE|file descriptor limits|Can't setup file limit|restore TCP_(CORK|NODELAY)/i;
/** Says that something failed, not what. */
const VAGUE =
  /^(Dumping|Pre-dumping|Restoring|Pre-dump|Dump) (FAILED|failed)|FAILED\.?$|^exited, status=\d+$/;

/** Reads the log at `path`; one that is not there or cannot be read yields no lines. */
export async function logExcerpt(path: string): Promise<LogExcerpt> {
  try {
    return excerptOf(await readEnd(path));
  } catch {
    return { lines: [] };
  }
}

/** The pure part of {@linkcode logExcerpt}. */
export function excerptOf(text: string): LogExcerpt {
  const lines = text.split("\n").map(printable).filter((line) =>
    (ERROR_LINE.test(line) || WARNING_LINE.test(line)) && !HARMLESS.test(line)
  );
  const errors = lines.filter((line) => ERROR_LINE.test(line)).flatMap((line) =>
    errorWords(line) ?? []
  );
  const reason = errors.find((words) => !VAGUE.test(words)) ?? errors[0];
  return { ...(reason !== undefined && { reason }), lines: lines.slice(-MAX_LINES) };
}

/**
 * The words of an error line, without time and place; undefined for a harmless one and for no words.
 * cr_errmsg is such a line, or only the words of one.
 */
export function errorWords(line: string): string | undefined {
  const trimmed = printable(line).trim();
  const words = (ERROR_LINE.exec(trimmed)?.[1] ?? trimmed).trim();
  return words === "" || HARMLESS.test(words) ? undefined : words;
}

function printable(line: string): string {
  return line.slice(0, MAX_LINE_CHARS).replace(UNPRINTABLE, " ");
}

async function readEnd(path: string): Promise<string> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  await file.seek(Math.max(0, size - MAX_LOG_BYTES), Deno.SeekMode.Start);
  const bytes = new Uint8Array(Math.min(size, MAX_LOG_BYTES));
  for (let filled = 0; filled < bytes.length;) {
    const count = await file.read(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return new TextDecoder().decode(bytes);
}
