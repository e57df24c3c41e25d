/**
 * What a destination and its fault server say to each other: one JSON text a message, over a socket pair,
 * with descriptors where noted. Both are of the same build.
 *
 * @module
 */

import type { LateRun } from "./late_store.ts";
import type { WaitFigures } from "./waits.ts";

/** From the destination. */
export type ServerOrder =
  /** Comes first. */
  | {
    readonly type: "store";
    readonly pageBytes: number;
    readonly files: readonly StoredFile[];
    /** Its lock is held for as long as the server lives; it says in the end that all is filled in. */
    readonly statePath: string;
  }
  /** With its userfaultfd. */
  | TaskOrder
  /** CRIU has restored the tree: what is not asked for may be filled in as well. */
  | { readonly type: "restored" }
  /** Late pages have come: what waits may be there now. */
  | { readonly type: "arrived" };

/** A pages file. */
export interface StoredFile {
  /** Its number. */
  readonly id: number;
  readonly path: string;
  /** Says which of its pages have not come; see late_store.ts. All are there when not given. */
  readonly latePath?: string;
}

/** A memory that is to be filled in. */
export interface TaskOrder {
  readonly type: "task";
  readonly id: number;
  readonly indexPath: string;
  readonly logPath: string;
  /** It is the copy of another one's, made after so many events of that one's log. */
  readonly parent?: { readonly id: number; readonly logged: number };
  /** Another server may have read faults, and died before it served them. */
  readonly again: boolean;
}

/** To the destination. */
export type ServerReport =
  /** It waits for orders. */
  | { readonly type: "ready" }
  /** A child came to be, whose descriptor comes with this. */
  | { readonly type: "forked"; readonly task: Omit<TaskOrder, "again"> }
  /** Somebody waits for late pages. */
  | ({ readonly type: "wanted" } & LateRun)
  | ({ readonly type: "progress" | "drained" } & DrainFigures);

/** How far a drain is. */
export interface DrainFigures {
  /** Pages that were filled in. */
  readonly pages: number;
  /** Faults that were served. */
  readonly faults: number;
  /** How long those waited that wanted late pages. */
  readonly waited: WaitFigures;
}

/** The program's hidden command that makes it a fault server; the number of its descriptor follows. */
export const FAULT_SERVER_COMMAND = "fault-server";

/** What stands in the state file once all is filled in. */
export const DRAINED = "drained\n";

/** As bytes. */
export function encodeMessage(message: ServerOrder | ServerReport): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

/** From bytes that {@linkcode encodeMessage} made. */
export function decodeMessage<T extends ServerOrder | ServerReport>(bytes: Uint8Array): T {
  return JSON.parse(new TextDecoder().decode(bytes));
}
