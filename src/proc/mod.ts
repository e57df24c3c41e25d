/**
 * The victim: its tree as /proc shows it and pidfds hold it, and what a host must offer to take it.
 *
 * @module
 */

export { type Connection, type HeldConnection, listConnections } from "./connections.ts";
export { readBuildId } from "./build_id.ts";
export { confinements } from "./confinement.ts";
export { type Counter, startCounter } from "./counter.ts";
export {
  entryKey,
  lookAt,
  makeDirectories,
  moveEntry,
  parentOf,
  removeEmptyDirectory,
  removeEntry,
  stepsTo,
} from "./entries.ts";
export { listDescriptors } from "./descriptors.ts";
export { listSockets, unixSocketsByInode } from "./sockets.ts";
export {
  collectFiles,
  type FileFact,
  type FileKind,
  type FileUse,
  isKernelPath,
  kindOf,
} from "./files.ts";
export { findByName, findByPidFile, findByUnit } from "./find_process.ts";
export { FileLock } from "./file_lock.ts";
export { bootId, ensureDirectory, freeBytes, isTmpfs, requireRoot, roomIn } from "./host.ts";
export { writableMappings } from "./mappings.ts";
export { contains, type Mount, mountOf } from "./mounts.ts";
export { isFull, noSpace, orNoSpace } from "./no_space.ts";
export { type CpuLimit, CpuThrottle, giveCpuBack, type ThrottleSources } from "./cpu_throttle.ts";
export { findPacketFilter, type PacketFilter } from "./packet_filter.ts";
export { reviveConnections, silenceConnections } from "./repair.ts";
export type { ServiceUnit, SystemctlRunner } from "./systemctl.ts";
export { lives, ownIdentity, type ProcessIdentity, signalProcess } from "./process_identity.ts";
export { killCriuOf, leftByCriu } from "./tracer.ts";
export { listTree, ProcessTree, type TreeProcess } from "./tree.ts";
export { type Locked, unlockConnections } from "./unlock.ts";
export {
  giveBackUnit,
  type ReleasedUnit,
  type ReleaseOptions,
  releaseUnit,
} from "./unit_release.ts";
export { type Capability, kernelFacts, lackingCapabilities } from "./this_host.ts";
export { type User, userNames, usersOf } from "./users.ts";
