/**
 * What is said about files that move along with a tree: trees of directories, and files that it has open.
 *
 * @module
 */

import type { FileFact } from "./messages.ts";

/** What a destination says in its welcome when it takes files in. */
export const FILES_ABILITY = "files";

/** A directory of the source that is to be there, whole, on the destination. */
export interface TreeMove {
  /** On the source; absolute, without symbolic links. */
  readonly path: string;
  /** On the destination; mostly the same. */
  readonly target: string;
}

/** The files that a migration brings along. */
export interface FileMoves {
  readonly trees: readonly TreeMove[];
  /** Also those that the tree has open, where they are missing or differ. */
  readonly open: boolean;
  /** What is in their place on the destination may be replaced. */
  readonly overwrite: boolean;
}

/** Offers what the tree has open; the answer says what of it is wanted. May come again. */
export interface OfferFilesRequest {
  readonly type: "offer-files";
  readonly files: readonly FileFact[];
}

/** Asks for a stream by which rsync brings one area up to date. May come again. */
export interface SyncFilesRequest {
  readonly type: "sync-files";
  /** Of the trees, by their order in `begin`; above these, as the answer to `offer-files` named it. */
  readonly area: number;
}

/** The answer to `offer-files`. */
export interface FilesWantedReply {
  readonly type: "files-wanted";
  /** For each file that was offered: 0 when it is here already, else one more than its area. */
  readonly areas: readonly number[];
}

/** The answer to `sync-files`: a ticket for one stream of the kind `files`. */
export interface FilesTicketReply {
  readonly type: "files-ticket";
  readonly ticket: Uint8Array;
}
