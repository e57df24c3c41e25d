/**
 * Examines a process tree before anything is frozen: what phaul or CRIU would refuse is found here.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";
import type { FileFact } from "./files.ts";
import type { TreeProcess } from "./listing.ts";

export type { FileFact, FileKind, FileUse } from "./files.ts";

/** What the operator allowed; the names are those of CRIU's options. */
export interface VictimOptions {
  readonly shellJob: boolean;
  readonly tcpEstablished: boolean;
  readonly tcpClose: boolean;
  readonly extUnixSk: boolean;
  readonly fileLocks: boolean;
}

/** A process tree that can be migrated, as far as /proc can tell. */
export interface Victim {
  readonly pid: number;
  readonly comm: string;
  /** Root first, ancestors before descendants. */
  readonly processes: readonly TreeProcess[];
  /** What the destination must have. */
  readonly files: readonly FileFact[];
  /** Anonymous and shared memory that is resident, over the whole tree. */
  readonly memoryBytes: number;
  /** The root leads a session: its sid is its pid. */
  readonly leadsSession: boolean;
  /** The root is pid 1 of a pid namespace that is not phaul's. */
  readonly ownPidNamespace: boolean;
  /** What may go wrong without being certain to, one sentence each. */
  readonly warnings: readonly string[];
}

/** Examines the tree below `pid`; nothing is frozen or touched. */
export function examineVictim(_pid: number, _options: VictimOptions): Promise<Victim> {
  throw new PhaulError("internal", "Not written yet");
}
