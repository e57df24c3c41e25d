/**
 * Progress for people on standard error, events for programs on standard output.
 *
 * @module
 */

import type { PhaulError } from "../errors.ts";
import type { HaulEvent, Whereabouts } from "../haul/events.ts";
import { describe, describeEvidence, type Line } from "./describe.ts";
import { Drawing } from "./drawing.ts";
import { exitCodeOf } from "./exit_codes.ts";
import { Meter } from "./meter.ts";
import { oneLine } from "./one_line.ts";
import type { Terminal } from "./terminal.ts";

/** The version of the events' form; it grows only when a reader of the old one would be misled. */
export const JSON_VERSION = 1;

/** What a reporter writes. */
export interface ReporterOptions {
  /** Events on standard output too. */
  readonly json: boolean;
  /** Whether lines name their migration: a server has several at once. */
  readonly many: boolean;
  /** Only warnings and failures are told to people. */
  readonly quiet?: boolean;
  /** What events say to people, if not what they say of a migration. */
  readonly describe?: (event: HaulEvent) => Line;
}

/** How much a line matters: syslog's priorities, by sd-daemon(3)'s numbers. */
type Priority = "error" | "warning" | "info";

const PRIORITIES: Readonly<Record<Priority, number>> = { error: 3, warning: 4, info: 6 };

/** The process that a failure is about. */
export interface ReportedProcess {
  readonly pid: number;
  readonly where: Whereabouts;
  /** The same for people. */
  readonly text: string;
}

/** Digits of a migration's id that tell it from the few others on one host. */
const SHOWN_ID_DIGITS = 8;
/** Faster than this nobody reads, and a slow terminal would slow the migration. */
const REDRAW_INTERVAL_MS = 100;

/** With one of these a migration is under way, and after one of those it is not. */
const BEGINS: readonly HaulEvent["event"][] = [
  ...["checked", "admitted", "iteration-begin", "frozen", "prepared"] as const,
];
const OVER: readonly HaulEvent["event"][] = ["aborted", "drained"];

/** Shows what happens, as it happens. */
export class Reporter {
  readonly #terminal: Terminal;
  readonly #options: ReporterOptions;
  /** Of each migration under way. */
  readonly #meters = new Map<string, Meter>();
  readonly #drawing: Drawing | undefined;
  #drawnAtMs = -Infinity;

  constructor(terminal: Terminal, options: ReporterOptions) {
    this.#terminal = terminal;
    this.#options = options;
    this.#drawing = terminal.live && !options.quiet ? new Drawing(terminal) : undefined;
  }

  /** Shows one event; never throws for one of the known kinds. */
  event(event: HaulEvent): void {
    this.json({ ...event });
    this.#measure(event);
    // The report of the failure follows, and has to begin with where the process is.
    if (event.event === "aborted" && !this.#options.many) return;
    this.#show((this.#options.describe ?? describe)(printable(event)), event);
  }

  /** Writes one JSON line, when those are wanted: version and time are put before the fields. */
  json(fields: { readonly event: string } & Record<string, unknown>): void {
    if (!this.#options.json) return;
    const { event, ...rest } = fields;
    const time = new Date().toISOString();
    this.#terminal.out(`${JSON.stringify({ v: JSON_VERSION, event, time, ...rest })}\n`);
  }

  /** Says how far each migration is, whether or not anything else is told. */
  state(): void {
    const nowMs = performance.now();
    const columns = this.#terminal.live ? this.#terminal.columns() - 1 : Infinity;
    if (this.#meters.size === 0) this.line("No migration is under way");
    for (const line of this.#measures(columns, nowMs, true)) this.line(line);
  }

  /** Writes a line for people; in the journal, each with its priority. */
  line(text: string, priority: Priority = "info"): void {
    this.#drawing?.clear();
    const shown = this.#terminal.journal
      ? text.split("\n").map((one) => `<${PRIORITIES[priority]}>${one}`).join("\n")
      : text;
    this.#terminal.err(`${shown}\n`);
  }

  /** The same for something that may be wrong. */
  warning(text: string): void {
    this.line(`Warning: ${text}`, "warning");
  }

  /**
   * Reports a failure: where the process is when it concerns one, what failed, what to do.
   *
   * @returns The exit code that goes with it.
   */
  failure(error: PhaulError, process?: ReportedProcess): number {
    const tell = (text: string) => this.line(text, "error");
    if (process !== undefined) tell(process.text);
    tell(oneLine(error.message));
    if (error.remedy !== undefined) tell(oneLine(error.remedy));
    for (const text of describeEvidence(error.evidence)) tell(oneLine(text));
    const exitCode = exitCodeOf(error.code);
    this.json({
      event: "failed",
      code: error.code,
      exitCode,
      message: error.message,
      remedy: error.remedy,
      evidence: error.evidence,
      pid: process?.pid,
      whereabouts: process?.where,
    });
    return exitCode;
  }

  #measure(event: HaulEvent): void {
    if (!("migration" in event) || event.migration === undefined) return;
    const { migration } = event;
    const meter = this.#meters.get(migration) ?? new Meter();
    meter.take(event, performance.now());
    // Late steps of a migration that has ended are told of, too, and begin nothing.
    if (OVER.includes(event.event)) this.#meters.delete(migration);
    else if (BEGINS.includes(event.event)) this.#meters.set(migration, meter);
  }

  #show(shown: Line, event: HaulEvent): void {
    const migration = "migration" in event ? event.migration : undefined;
    const { many, quiet } = this.#options;
    if (quiet && !isWarning(event)) return;
    const prefix = many && migration ? `${migration.slice(0, SHOWN_ID_DIGITS)}  ` : "";
    if (shown.kind === "line") this.line(prefix + shown.text, priorityOf(event));
    if (shown.kind === "passing") this.#redraw();
  }

  #redraw(): void {
    if (this.#drawing === undefined) return;
    const nowMs = performance.now();
    if (nowMs - this.#drawnAtMs < REDRAW_INTERVAL_MS) return;
    this.#drawnAtMs = nowMs;
    const { many } = this.#options;
    this.#drawing.show(this.#measures(this.#terminal.columns() - 1, nowMs, many));
  }

  /** How far each migration is, a line each. */
  #measures(columns: number, nowMs: number, named: boolean): string[] {
    return [...this.#meters].map(([migration, meter]) => {
      const prefix = named ? `${migration.slice(0, SHOWN_ID_DIGITS)}  ` : "";
      return prefix + meter.line(columns - prefix.length, nowMs);
    });
  }
}

function priorityOf(event: HaulEvent): Priority {
  return isWarning(event) || event.event === "aborted" ? "warning" : "info";
}

function isWarning(event: HaulEvent): boolean {
  return event.event === "warning" || (event.event === "probed" && !event.passed);
}

/** Names of processes and files are whatever somebody chose, and root looks at them. */
function printable(event: HaulEvent): HaulEvent {
  const texts = Object.entries(event).filter((field): field is [string, string] =>
    typeof field[1] === "string"
  );
  return Object.assign({}, event, Object.fromEntries(texts.map(([k, text]) => [k, oneLine(text)])));
}
