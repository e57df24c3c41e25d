/**
 * The two outputs of the program: the only place that writes to them.
 *
 * @module
 */

/** Where the commands write; tests give them one that remembers. */
export interface Terminal {
  /** Writes to standard output: results and JSON events. Returns at once. */
  out(text: string): void;
  /** Writes to standard error: progress, warnings, errors. Returns at once. */
  err(text: string): void;
  /** True when standard error is a terminal on which a line can be redrawn. */
  readonly live: boolean;
  /** Width of that terminal in columns. */
  columns(): number;
  /** True when standard error is systemd's journal, which reads a line's priority from its begin. */
  readonly journal?: boolean;
}

/** The terminal of this process, which has to be flushed before the end. */
export interface ProcessTerminal extends Terminal {
  /** Waits until all is written, but not for ever. */
  flush(): Promise<void>;
}

/** What bytes are written to. */
export interface ByteSink {
  write(data: Uint8Array): Promise<number>;
}

/** A width that fits anywhere, for terminals that do not tell theirs. */
const USUAL_COLUMNS = 80;
/** Far more than any reader that still reads leaves unread. */
const MAX_WAITING_BYTES = 16 * 2 ** 20;
/** How long the end of phaul waits for a reader that stands still. */
const FLUSH_DEADLINE_MS = 2_000;

/** The terminal of this process. */
export function processTerminal(): ProcessTerminal {
  const out = new PatientWriter(sinkOf(Deno.stdout, "/dev/stdout"));
  const err = new PatientWriter(sinkOf(Deno.stderr, "/dev/stderr"));
  return {
    out: (text) => out.write(text),
    err: (text) => err.write(text),
    live: Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb",
    columns: terminalColumns,
    journal: isJournal(Deno.env.get("JOURNAL_STREAM"), "/proc/self/fd/2"),
    async flush() {
      await Promise.all([out.flush(FLUSH_DEADLINE_MS), err.flush(FLUSH_DEADLINE_MS)]);
    },
  };
}

/**
 * A file has no reader that could stand still, so it is written at once: what phaul told before it was
 * killed is in there, up to the last line.
 */
function sinkOf(
  stream: ByteSink & { writeSync(data: Uint8Array): number },
  path: string,
): ByteSink {
  if (!isFile(path)) return stream;
  return { write: (data) => new Promise((resolve) => resolve(stream.writeSync(data))) };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // Closed, or a socket: not every stream can be looked at by its name.
  }
}

/**
 * Whether the stream at `path` is the one that systemd gave to the journal (systemd.exec(5)): whoever
 * puts phaul into a pipe leaves the variable as it is.
 *
 * @param variable `device:inode`
 */
export function isJournal(variable: string | undefined, path: string): boolean {
  if (variable === undefined) return false;
  try {
    const { dev, ino } = Deno.statSync(path);
    return variable === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || USUAL_COLUMNS;
  } catch {
    return USUAL_COLUMNS; // Not every terminal answers; that is no reason to fail.
  }
}

/**
 * Writes in order and in the background. Written at once, a reader that stands still (Ctrl-S, a full
 * pipe) would stop phaul in the middle of a switchover, with the tree frozen and nobody watching it.
 * A reader that went away is no reason to fail either: what it would have read is dropped.
 */
export class PatientWriter {
  readonly #sink: ByteSink;
  readonly #queue: Uint8Array[] = [];
  readonly #encoder = new TextEncoder();
  #waitingBytes = 0;
  #broken = false;
  #working: Promise<void> | undefined;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Takes text; returns at once and never throws. */
  write(text: string): void {
    const data = this.#encoder.encode(text);
    if (this.#broken || this.#waitingBytes + data.length > MAX_WAITING_BYTES) return;
    this.#queue.push(data);
    this.#waitingBytes += data.length;
    this.#working ??= this.#work();
  }

  /** Waits until all is written or `deadlineMs` is over. */
  async flush(deadlineMs: number): Promise<void> {
    if (this.#working === undefined) return;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, deadlineMs);
    await Promise.race([this.#working, late.promise]);
    clearTimeout(timer);
  }

  async #work(): Promise<void> {
    try {
      for (let data = this.#queue.shift(); data !== undefined; data = this.#queue.shift()) {
        for (let done = 0; done < data.length;) {
          done += await this.#sink.write(data.subarray(done));
        }
        this.#waitingBytes -= data.length;
      }
    } catch {
      this.#broken = true;
      this.#queue.length = 0;
    }
    this.#working = undefined;
  }
}
