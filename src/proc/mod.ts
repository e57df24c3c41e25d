/**
 * The victim: its tree as /proc shows it and pidfds hold it, and what a host must offer to take it.
 *
 * @module
 */

export { confinements } from "./confinement.ts";
export { type Counter, startCounter } from "./counter.ts";
export { checkDestination, type DestinationNeeds, type NeededFile } from "./destination.ts";
export type { FileFact, FileKind, FileUse } from "./files.ts";
export { ensureDirectory, freeBytes, isTmpfs, requireRoot } from "./host.ts";
export type { SystemctlRunner } from "./systemd.ts";
export { listTree, ProcessTree, type TreeProcess } from "./tree.ts";
export { examineVictim, type Victim, type VictimOptions, type VictimSources } from "./victim.ts";
