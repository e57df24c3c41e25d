/**
 * The answers to the requests of the control link, as a tagged union.
 *
 * @module
 */

import type { CheckedReply } from "./check_messages.ts";
import type { FilesTicketReply, FilesWantedReply } from "./files_messages.ts";
import type { PackingTerms, Request } from "./messages.ts";
import type { ErrorTexts } from "./peer_error.ts";

/** The answer to `begin`. */
export interface BegunReply {
  readonly type: "begun";
  /** As the destination understood it: verdicts will carry it. */
  readonly migrationId: string;
  /** The tree will get its memory after it was restored. */
  readonly lazy: boolean;
  /** Where pages may be sent directly; only when that was asked for. */
  readonly direct?: DirectDoor;
  /** Late pages will be taken; only when that was asked for. */
  readonly late?: boolean;
}

/** A port of the destination that takes pages as plain text, from whoever shows the ticket first. */
export interface DirectDoor {
  readonly port: number;
  readonly ticket: Uint8Array;
}

/**
 * The answer to `start-iteration`: one-time tickets of 32 bytes each, images only for the final one; and
 * what the destination takes of the packing that was offered.
 */
export interface IterationStartedReply extends PackingTerms {
  readonly type: "iteration-started";
  /** Absent when pages come directly. */
  readonly pagesTicket?: Uint8Array;
  readonly imagesTicket?: Uint8Array;
}

/** The answer to `stop-iteration`. */
export interface IterationStoppedReply {
  readonly type: "iteration-stopped";
  /** What came: pages, and bytes of the page stream. */
  readonly pages: number;
  readonly pageBytes: number;
}

/** Something that the destination did. */
export interface Step {
  /** Such as `images`: lower-case letters and hyphens. */
  readonly name: string;
  /** How long before the answer, in microseconds: the two hosts' clocks need not agree. */
  readonly agoUs: number;
}

/** The answer to `prepare`: the tree is restored and held. */
export interface ReadyReply {
  readonly type: "ready";
  readonly migrationId: string;
  /** What the destination did since the final dump began. */
  readonly steps: readonly Step[];
}

/** The answer to `commit`: the tree runs. */
export interface RunningReply {
  readonly type: "running";
  /** What the destination did since the commit came. */
  readonly steps: readonly Step[];
}

/** The answer to `abort`. */
export interface DiscardedReply {
  readonly type: "discarded";
  /** Why the destination had given up by itself before. */
  readonly because?: ErrorTexts;
}

/** The answer to `probe`. */
export interface ProbedReply {
  readonly type: "probed";
  readonly passed: boolean;
  /** How the command ended. */
  readonly how: string;
}

/** The answer to `fetch-late`: a one-time ticket for its stream, or none when nothing is missing. */
export interface LateFetchedReply {
  readonly type: "late-fetched";
  readonly ticket?: Uint8Array;
}

/** The answer to `forget`. */
export interface ForgottenReply {
  readonly type: "forgotten";
}

/** One migration as the destination has it. */
export interface Standing {
  readonly migrationId: string;
  /** A state of the destination's table. */
  readonly state: string;
  /** The root's command name. */
  readonly comm: string;
  /** The root's pid on the destination, where there is one. */
  readonly pid?: number;
}

/** The answer to `inquire` and `cancel`. */
export interface StandingsReply {
  readonly type: "standings";
  readonly standings: readonly Standing[];
}

/** Every answer but the error, which rejects the request. */
export type Reply =
  | CheckedReply
  | BegunReply
  | IterationStartedReply
  | IterationStoppedReply
  | ReadyReply
  | RunningReply
  | DiscardedReply
  | ProbedReply
  | LateFetchedReply
  | ForgottenReply
  | StandingsReply
  | FilesWantedReply
  | FilesTicketReply;

/** Which reply belongs to which request. */
export const replyTypeOf = {
  "check": "checked",
  "begin": "begun",
  "start-iteration": "iteration-started",
  "stop-iteration": "iteration-stopped",
  "prepare": "ready",
  "commit": "running",
  "abort": "discarded",
  "probe": "probed",
  "fetch-late": "late-fetched",
  "forget": "forgotten",
  "inquire": "standings",
  "cancel": "standings",
  "offer-files": "files-wanted",
  "sync-files": "files-ticket",
} as const satisfies Record<Request["type"], Reply["type"]>;

/** The reply to a request of type `R`. */
export type ReplyTo<R extends Request> = Extract<
  Reply,
  { type: (typeof replyTypeOf)[R["type"]] }
>;

/** How long a probe may take, in milliseconds. */
export const maxProbeMs = 86_400_000;

/** How many steps an answer may tell of. */
export const maxSteps = 16;

/** The length in bytes of each stream ticket. */
export const ticketBytes = 32;
