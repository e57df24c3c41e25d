/**
 * What a check found, for a person: the worst first, and the same advice once.
 *
 * @module
 */

import type { CheckReport, PlacedFinding } from "../haul/check.ts";
import { SEVERITIES, type Severity } from "../haul/check_codes.ts";
import { count, showBytes } from "./figures.ts";
import { oneLine } from "./one_line.ts";
import { wrap } from "./wrap.ts";

/** Of findings with the same advice so many are told one by one. */
const SHOWN_ALIKE = 5;
const INDENT = "         ";

/** How many findings there are of each severity. */
export type Tally = Readonly<Record<Severity, number>>;

/** Counts `findings`. */
export function tally(findings: readonly PlacedFinding[]): Tally {
  const of = (severity: PlacedFinding["severity"]) =>
    findings.filter((one) => one.severity === severity).length;
  return { blocker: of("blocker"), warning: of("warning"), note: of("note") };
}

/** The lines of a report, in at most `columns` columns. */
export function describeReport(report: CheckReport, columns: number, peer?: string): string[] {
  const { source, destination, tree, findings } = report;
  const lines = [`Source: CRIU ${source.criuVersion}, Linux ${source.kernel}`];
  if (tree) {
    const size = `${count(tree.processes, "process", "processes")}, ${showBytes(tree.memoryBytes)}`;
    lines.unshift(`Process ${tree.pid} (${oneLine(tree.comm)}): ${size}`);
  }
  if (destination) {
    const { criuVersion, kernel } = destination;
    lines.push(`Destination ${peer}: CRIU ${criuVersion}, Linux ${kernel}`);
  }
  for (const severity of SEVERITIES) {
    const some = findings.filter((one) => one.severity === severity);
    for (const alike of alikeAmong(some)) lines.push("", ...describeAlike(alike, columns));
  }
  return [...lines, "", verdict(tally(findings))];
}

function alikeAmong(findings: readonly PlacedFinding[]): PlacedFinding[][] {
  const groups = Map.groupBy(findings, ({ code, on, remedy }) => `${code} ${on} ${remedy}`);
  return [...groups.values()];
}

function describeAlike(alike: readonly PlacedFinding[], columns: number): string[] {
  const [first] = alike;
  if (first === undefined) return [];
  const { severity, code, on, remedy } = first;
  const name = severity === "blocker" ? "BLOCKER" : severity;
  const more = alike.length - SHOWN_ALIKE;
  const texts = [
    ...alike.slice(0, SHOWN_ALIKE).map(({ message }) => sentence(message)),
    ...(more > 0 ? [`... and ${more} more`] : []),
    ...(remedy === undefined ? [] : [`-> ${oneLine(remedy)}`]),
  ];
  const wrapped = texts.flatMap((text) => wrap(text, columns - INDENT.length));
  const place = on === "both" ? "both hosts" : on;
  return [
    `${name.padEnd(INDENT.length)}${code} (${place})`,
    ...wrapped.map((text) => INDENT + text),
  ];
}

function sentence(message: string): string {
  const text = oneLine(message);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function verdict({ blocker, warning, note }: Tally): string {
  const counts = [count(blocker, "blocker"), count(warning, "warning"), count(note, "note")];
  const what = blocker > 0
    ? "a migration would be refused"
    : warning > 0
    ? "a migration may be spoilt"
    : "nothing stands in the way";
  return `${counts.join(", ")}: ${what}`;
}
