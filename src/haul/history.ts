/**
 * Past migrations from and to this host: `history` in the state directory, one JSON object a line.
 *
 * @module
 */

import type { ErrorCode } from "../errors.ts";
import { ensureDirectory } from "../proc/mod.ts";
import type { Side } from "../migrate/tables.ts";
import type { MigrationSummary, Whereabouts } from "./events.ts";
import type { MigrationDetails } from "./record.ts";

/** Beyond this the older half is forgotten. */
const MAX_BYTES = 4 * 2 ** 20;

/** An entry that is longer is kept without its figures: one may not push out all others. */
const MAX_LINE = 2 ** 18;

/** How one migration ended. */
export interface HistoryEntry {
  readonly v: 1;
  /** When it ended, ISO 8601. */
  readonly at: string;
  readonly migration: string;
  /** What this host was in it. */
  readonly side: Side;
  readonly pid: number;
  /** The root's command name; absent where it came to no look at it. */
  readonly comm?: string;
  /** The other host: a destination as `host:port`, a source as its connection showed it. */
  readonly peer: string;
  readonly whereabouts: Whereabouts;
  /** Of one that moved, on its source. */
  readonly summary?: MigrationSummary;
  /** Of one that did not. */
  readonly failure?: { readonly code: ErrorCode; readonly message: string };
  readonly details: MigrationDetails;
}

/** Adds an entry, as of now; throws an Error of the file system. */
export async function remember(
  stateDir: string,
  entry: Omit<HistoryEntry, "v" | "at">,
): Promise<void> {
  await ensureDirectory(stateDir);
  const path = pathIn(stateDir);
  const whole = { v: 1, at: new Date().toISOString(), ...entry };
  const text = JSON.stringify(whole);
  const brief = { ...entry.details, findings: [], iterations: [], timeline: [], transfer: [] };
  const line = `${text.length <= MAX_LINE ? text : JSON.stringify({ ...whole, details: brief })}\n`;
  await Deno.writeTextFile(path, line, { append: true, mode: 0o600 });
  const { size } = await Deno.stat(path);
  if (size > MAX_BYTES) await forgetOlderHalf(path);
}

/** What is remembered, the newest first; lines that cannot be read are left out. */
export async function history(stateDir: string): Promise<HistoryEntry[]> {
  const text = await Deno.readTextFile(pathIn(stateDir)).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  return text.split("\n").flatMap(entryIn).reverse();
}

function pathIn(stateDir: string): string {
  return `${stateDir}/history`;
}

/** A line may be torn by a power cut, or be written by a later phaul. */
function entryIn(line: string): HistoryEntry[] {
  try {
    const entry: HistoryEntry = JSON.parse(line);
    const known = entry.v === 1 && typeof entry.migration === "string" && entry.details;
    return known ? [entry] : [];
  } catch {
    return [];
  }
}

async function forgetOlderHalf(path: string): Promise<void> {
  const lines = (await Deno.readTextFile(path)).split("\n");
  const kept = lines.slice(Math.floor(lines.length / 2)).join("\n");
  await Deno.writeTextFile(`${path}.new`, kept, { mode: 0o600 });
  await Deno.rename(`${path}.new`, path);
}
