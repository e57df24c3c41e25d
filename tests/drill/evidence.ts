/** What is kept of a row that went wrong, for a person to look at. */

import { ROOT } from "../../tools/process.ts";
import type { Ground } from "./ground.ts";
import { type Row, rowName } from "./row.ts";

const FOLDER = `${ROOT}build/drill`;

/**
 * Writes what every phaul of the row told and said.
 *
 * @returns the file
 */
export async function keepEvidence(ground: Ground, row: Row, verdict: string): Promise<string> {
  const parts = [rowName(row), verdict];
  for (const [index, run] of ground.runs.entries()) {
    const events = (await run.events()).map((event) => JSON.stringify(event));
    parts.push(`--- phaul ${index + 1}, process ${run.pid}`, ...events, await run.said());
  }
  await Deno.mkdir(FOLDER, { recursive: true });
  const path = `${FOLDER}/${rowName(row).replaceAll(/[^a-z0-9]+/gi, "-").toLowerCase()}.txt`;
  await Deno.writeTextFile(path, `${parts.join("\n")}\n`);
  return path;
}
