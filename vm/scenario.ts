/** Runs scenarios: boots what they need, keeps the artifacts of those that fail. */

import { keepArtifacts } from "./artifacts.ts";
import { bootLane } from "./lane.ts";
import { bootMachines, type Pair, type PairOptions } from "./pair.ts";

/** What a scenario needs, besides what {@linkcode PairOptions} says. */
export interface ScenarioOptions extends PairOptions {
  /** Two machines, or two hosts in one guest. */
  readonly on: Pair["kind"];
}

/**
 * Boots a fresh pair, runs `body` on it and takes it down. When the body throws, the artifacts are
 * kept under build/artifacts/NAME and the error says so.
 */
export async function runScenario<T>(
  name: string,
  options: ScenarioOptions,
  body: (pair: Pair) => Promise<T>,
): Promise<T> {
  await using pair = await (options.on === "machines" ? bootMachines(options) : bootLane(options));
  return await keepingArtifacts(name, pair, body);
}

/**
 * Runs `body` on a pair that others use after it. The body has to leave the hosts as it found them;
 * victims of different scenarios need different names.
 */
export async function keepingArtifacts<T>(
  name: string,
  pair: Pair,
  body: (pair: Pair) => Promise<T>,
): Promise<T> {
  try {
    return await body(pair);
  } catch (cause) {
    const folder = await keepArtifacts(pair, name);
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Scenario "${name}" failed: ${text}\nArtifacts are in ${folder}`, { cause });
  }
}
