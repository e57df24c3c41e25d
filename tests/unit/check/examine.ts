/**
 * Examines a victim as a migration does: what stops it is thrown.
 *
 * @module
 */

import {
  examineVictim as examine,
  refuseBlockers,
  type Victim,
  type VictimOptions,
  type VictimSources,
} from "../../../src/check/mod.ts";

/** The victim, and what is warned of. */
export interface Examined extends Victim {
  readonly warnings: readonly string[];
}

/** The victim, unless something stops its migration. */
export async function examineVictim(
  pid: number,
  options: VictimOptions,
  sources: VictimSources = {},
): Promise<Examined> {
  const victim = await examine(pid, options, sources);
  refuseBlockers(`migrate process ${pid}`, victim.findings);
  const warnings = victim.findings.filter(({ severity }) => severity === "warning");
  return { ...victim, warnings: warnings.map(({ message }) => message) };
}
