/**
 * The two outputs of the program: the only place that writes to them.
 *
 * @module
 */

/** Where the commands write; tests give them one that remembers. */
export interface Terminal {
  /** Writes to standard output: results and JSON events. */
  out(text: string): void;
  /** Writes to standard error: progress, warnings, errors. */
  err(text: string): void;
  /** True when standard error is a terminal on which a line can be redrawn. */
  readonly live: boolean;
  /** Width of that terminal in columns. */
  columns(): number;
}

/** A width that fits anywhere, for terminals that do not tell theirs. */
const USUAL_COLUMNS = 80;

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const encoder = new TextEncoder();
  return {
    out: (text) => writeAll(Deno.stdout, encoder.encode(text)),
    err: (text) => writeAll(Deno.stderr, encoder.encode(text)),
    live: Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb",
    columns: terminalColumns,
  };
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || USUAL_COLUMNS;
  } catch {
    return USUAL_COLUMNS; // Not every terminal answers; that is no reason to fail.
  }
}

/**
 * Writes everything, at once: an event must be out before what it announces happens. A reader that
 * went away does not stop a migration, so a broken pipe is passed over.
 */
function writeAll(stream: { writeSync(p: Uint8Array): number }, data: Uint8Array): void {
  try {
    for (let done = 0; done < data.length;) done += stream.writeSync(data.subarray(done));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
