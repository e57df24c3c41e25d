/**
 * What stands in the way of a migration, found before anything is frozen: rules over what /proc shows.
 *
 * @module
 */

export { type CheckCode, CHECKS, errorOf, isCheckCode } from "./catalogue.ts";
export { checkDestination, type DestinationNeeds, type NeededFile } from "./destination.ts";
export { type Finding, refuseBlockers, SEVERITIES, type Severity, skipping } from "./finding.ts";
export { checkHost, type Demand, type JudgedHost, type Role } from "./host.ts";
export {
  checkCpu,
  checkPair,
  type CpuObjection,
  type PairedHost,
  type PairTrials,
} from "./pair.ts";
export { examineVictim, type Victim, type VictimOptions, type VictimSources } from "./victim.ts";
