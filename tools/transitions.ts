/**
 * Which pairs of state and event of the state tables a test run exercised for real.
 *
 * Tests that run phaul leave the transitions of its `--json` events in `build/transitions/*.jsonl`, one
 * object `{side, from, event, to}` a line.
 *
 * @module
 */

import { exists, ROOT } from "./process.ts";

/** A state and an event that arrives in it. */
export interface Pair {
  readonly side: string;
  readonly state: string;
  readonly event: string;
}

const FOLDER = `${ROOT}build/transitions`;

/** Removes what earlier runs left. */
export async function forgetTransitions(): Promise<void> {
  if (await exists(FOLDER)) await Deno.remove(FOLDER, { recursive: true });
  await Deno.mkdir(FOLDER, { recursive: true });
}

/** The pairs that were exercised, one for each time. */
export async function readTransitions(): Promise<Pair[]> {
  if (!await exists(FOLDER)) return [];
  const pairs: Pair[] = [];
  for await (const { name } of Deno.readDir(FOLDER)) {
    if (name.endsWith(".jsonl")) {
      pairs.push(...parseTransitions(await Deno.readTextFile(`${FOLDER}/${name}`)));
    }
  }
  return pairs;
}

/** Adds pairs that were exercised; `name` is that of the file they go to. */
export async function saveTransitions(name: string, pairs: readonly Pair[]): Promise<void> {
  const lines = pairs.map(({ side, state, event }) =>
    `${JSON.stringify({ side, from: state, event })}\n`
  );
  await Deno.mkdir(FOLDER, { recursive: true });
  await Deno.writeTextFile(`${FOLDER}/${name}-${Deno.pid}.jsonl`, lines.join(""), { append: true });
}

/** The pairs in the lines of one file; a line that was cut off by a killed phaul is passed over. */
export function parseTransitions(text: string): Pair[] {
  return text.split("\n").flatMap((line) => {
    const found = parseLine(line);
    if (found === undefined) return [];
    const { side, from, event } = found;
    if (typeof side !== "string" || typeof from !== "string" || typeof event !== "string") {
      return [];
    }
    return [{ side, state: from, event }];
  });
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Every pair that can occur. Loaded late: a broken table must not keep the tests from running. */
export async function allPairs(): Promise<readonly Pair[]> {
  const tables = await import("../src/migrate/tables.ts");
  return tables.allPairs();
}

/** The table: the pairs exercised with how often, then by state those that were not. Pure. */
export function showTransitions(exercised: readonly Pair[], all: readonly Pair[]): string {
  const times = new Map<string, number>();
  for (const pair of exercised) times.set(keyOf(pair), (times.get(keyOf(pair)) ?? 0) + 1);
  const known = new Set(all.map(keyOf));
  const hit = all.filter((pair) => times.has(keyOf(pair)));
  const missed = all.filter((pair) => !times.has(keyOf(pair)));
  const unknown = [...times.keys()].filter((key) => !known.has(key));
  return [
    `Transitions exercised for real: ${hit.length} of ${all.length} pairs of state and event`,
    ...hit.map((pair) => `  ${keyOf(pair).padEnd(56)} ${times.get(keyOf(pair))} times`),
    "Not exercised:",
    ...byState(missed),
    ...(unknown.length > 0 ? ["Seen besides, in states that are final:"] : []),
    ...unknown.map((key) => `  ${key}`),
  ].join("\n");
}

function keyOf({ side, state, event }: Pair): string {
  return `${side.padEnd(12)} ${state.padEnd(16)} ${event}`;
}

function byState(pairs: readonly Pair[]): string[] {
  const events = new Map<string, string[]>();
  for (const { side, state, event } of pairs) {
    const key = `  ${side.padEnd(12)} ${state.padEnd(16)}`;
    events.set(key, [...events.get(key) ?? [], event]);
  }
  return [...events].map(([key, names]) => `${key} ${names.join(", ")}`);
}
