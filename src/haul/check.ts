/**
 * `phaul check`: what a migration would meet, without one.
 *
 * @module
 */

import { examineVictim, SEVERITIES } from "../check/mod.ts";
import { hasPidfds, requireCriu } from "../criu/mod.ts";
import { requireRoot } from "../proc/mod.ts";
import { checkHosts, type HostCheckup, placed, type PlacedFinding } from "./checkup.ts";
import { openSession } from "./criu_session.ts";
import { allowingGhosts } from "./files/ghosts.ts";
import type { CheckOptions } from "./options.ts";
import { Peer } from "./peer.ts";

export type { PlacedFinding } from "./checkup.ts";

/** What was checked, and what was found. */
export interface CheckReport extends HostCheckup {
  /** The tree, if one was named. */
  readonly tree?: {
    readonly pid: number;
    readonly comm: string;
    readonly processes: number;
    readonly memoryBytes: number;
  };
}

/**
 * Checks this host, the tree `options.pid` and the host `options.peer`, as far as they are named.
 * Nothing is frozen or touched.
 *
 * @throws PhaulError when something keeps it from looking: `not-root`, `criu-missing`, `criu-too-old`,
 * `no-such-process` and the like, `peer-unreachable` and its kin
 */
export async function check(given: CheckOptions, signal: AbortSignal): Promise<CheckReport> {
  requireRoot("check");
  const options = allowingGhosts(given);
  await using session = await openSession(options);
  const version = await session.version();
  requireCriu(version);
  const pidfds = () => Promise.resolve(hasPidfds(version));
  const allowed = { ...options.criu, pidfds, releaseUnit: options.releaseUnit };
  const victim = options.pid === undefined ? undefined : await examineVictim(options.pid, allowed);
  const { peer: address, insecure, tokenFile, timeouts, workDir, fs, overwrite } = options;
  using peer = address && await Peer.connect({ address, insecure, tokenFile, timeouts }, signal);
  const throughFiles = options.criuService !== undefined;
  const hosts = await checkHosts({
    session,
    workDir,
    victim,
    peer,
    throughFiles,
    fs,
    overwrite,
    signal,
  });
  if (!victim) return { ...hosts, findings: worstFirst(hosts.findings) };
  const { pid, comm, processes, memoryBytes } = victim;
  return {
    ...hosts,
    findings: worstFirst([...placed("source", victim.findings), ...hosts.findings]),
    tree: { pid, comm, processes: processes.length, memoryBytes },
  };
}

function worstFirst(findings: readonly PlacedFinding[]): PlacedFinding[] {
  const rank = ({ severity }: PlacedFinding) => SEVERITIES.indexOf(severity);
  return findings.toSorted((one, other) => rank(one) - rank(other));
}
