/**
 * What a check found, and what a migration makes of it.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import { type CheckCode, errorOf } from "./catalogue.ts";

const SHOWN_BLOCKERS = 5;

/** `blocker` stops a migration, `warning` may spoil it, `note` is good to know. */
export type Severity = "blocker" | "warning" | "note";

/** Severities, the worst first. */
export const SEVERITIES: readonly Severity[] = ["blocker", "warning", "note"];

/** One thing that was found. */
export interface Finding {
  readonly code: CheckCode;
  readonly severity: Severity;
  /** What was found, as part of a sentence: names and values as they are, no full stop. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** `findings` where the blockers among those called `skipped` are warnings. */
export function skipping<T extends Finding>(
  findings: readonly T[],
  skipped: readonly string[],
): T[] {
  return findings.map((one) =>
    one.severity === "blocker" && skipped.includes(one.code) ? { ...one, severity: "warning" } : one
  );
}

/**
 * Refuses when there is a blocker among `findings`.
 *
 * @param action what cannot be done then, for the message: `migrate process 4711`
 * @throws PhaulError with the error code of the first blocker, the first five in its message, and the
 * number of the others
 */
export function refuseBlockers(action: string, findings: readonly Finding[]): void {
  const blockers = findings.filter(({ severity }) => severity === "blocker");
  const [first] = blockers;
  if (first === undefined) return;
  const texts = blockers.slice(0, SHOWN_BLOCKERS).map(({ message }) => message);
  const more = blockers.length - SHOWN_BLOCKERS;
  if (more > 0) texts.push(`and ${more} more`);
  const remedies = new Set(blockers.flatMap(({ remedy }) => remedy ?? []));
  throw new PhaulError(errorOf(first.code), `Cannot ${action}: ${texts.join("; ")}`, {
    remedy: [...remedies].join("; "),
  });
}
