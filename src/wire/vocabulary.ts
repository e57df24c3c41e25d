/**
 * The names of proto/phaul.proto against those of messages.ts and replies.ts.
 *
 * @module
 */

import type { FindingFact } from "./check_messages.ts";
import type { FileKind, HoldMode, ManageCgroupsMode, Request, RestoreMode } from "./messages.ts";
import type { Reply } from "./replies.ts";

/** The body field of each request in an Envelope. */
export const requestBodies = {
  "check": "check",
  "begin": "begin",
  "start-iteration": "startIteration",
  "stop-iteration": "stopIteration",
  "prepare": "prepare",
  "commit": "commit",
  "abort": "abort",
  "probe": "probe",
  "fetch-late": "fetchLate",
  "forget": "forget",
  "inquire": "inquire",
  "cancel": "cancel",
  "offer-files": "offerFiles",
  "sync-files": "syncFiles",
} as const satisfies Record<Request["type"], string>;

/** The body field of each reply in an Envelope. */
export const replyBodies = {
  "checked": "checked",
  "begun": "begun",
  "iteration-started": "iterationStarted",
  "iteration-stopped": "iterationStopped",
  "ready": "ready",
  "running": "running",
  "discarded": "discarded",
  "probed": "probed",
  "late-fetched": "lateFetched",
  "forgotten": "forgotten",
  "standings": "standings",
  "files-wanted": "filesWanted",
  "files-ticket": "filesTicket",
} as const satisfies Record<Reply["type"], string>;

/** The enum value of each kind of file. */
export const fileKinds = {
  "file": "FILE",
  "directory": "DIRECTORY",
  "device": "DEVICE",
  "fifo": "FIFO",
  "socket": "SOCKET",
} as const satisfies Record<FileKind, string>;

/** The enum value of each way to hold a tree. */
export const holdModes = {
  "stopped": "HOLD_STOPPED",
  "notify": "HOLD_NOTIFY",
} as const satisfies Record<HoldMode, string>;

/** The enum value of each way to restore memory. */
export const restoreModes = {
  "auto": "RESTORE_AUTO",
  "lazy": "RESTORE_LAZY",
  "eager": "RESTORE_EAGER",
} as const satisfies Record<RestoreMode, string>;

/** The enum value of each of CRIU's modes. */
export const cgroupsModes = {
  "ignore": "MANAGE_CGROUPS_IGNORE",
  "none": "MANAGE_CGROUPS_NONE",
  "props": "MANAGE_CGROUPS_PROPS",
  "soft": "MANAGE_CGROUPS_SOFT",
  "full": "MANAGE_CGROUPS_FULL",
  "strict": "MANAGE_CGROUPS_STRICT",
} as const satisfies Record<ManageCgroupsMode, string>;

/** The enum value of each severity of a finding. */
export const severities = {
  "blocker": "SEVERITY_BLOCKER",
  "warning": "SEVERITY_WARNING",
  "note": "SEVERITY_NOTE",
} as const satisfies Record<FindingFact["severity"], string>;

/** `names` the other way round: from the wire's name to ours. */
export function inverted<K extends string>(names: Readonly<Record<K, string>>): Record<string, K> {
  const pairs = Object.entries<string>(names).map(([ours, theirs]) => [theirs, ours]);
  return Object.fromEntries(pairs);
}
