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
import { loadLibc } from "../../../src/sys/mod.ts";

// Sockets are looked at by libc; loaded here, no test loads it.
loadLibc();

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

/** What an operator allows who says nothing. */
export const NOTHING_ALLOWED: VictimOptions = {
  shellJob: false,
  tcpEstablished: false,
  tcpClose: false,
  extUnixSk: false,
  fileLocks: false,
};

/** What is found, as `severity code`. */
export async function findingsOf(
  pid: number,
  options: Partial<VictimOptions> = {},
  sources: VictimSources = {},
): Promise<string[]> {
  const { findings } = await examine(pid, { ...NOTHING_ALLOWED, ...options }, sources);
  return findings.map(({ severity, code }) => `${severity} ${code}`);
}
