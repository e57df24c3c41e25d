/**
 * What is asked of a criu, and what its notifies get.
 *
 * @module
 */

import type { Fd } from "../sys/mod.ts";
import type { RequestMessage } from "./messages.ts";

/** What CRIU tells in the middle of a dump or restore. */
export interface NotifyContext {
  /** CRIU's name of the stage, such as `post-dump`. */
  readonly name: string;
  /** Root of the restored tree, where CRIU says it. */
  readonly pid?: number;
  /** A descriptor that came along; closed after the handler unless taken with `intoRaw`. */
  readonly fd?: Fd;
}

/** Answers a notify: success by returning, failure by throwing. Stages it does not know, it ignores. */
export type NotifyHandler = (notify: NotifyContext) => void | Promise<void>;

/** A request with what belongs to it. */
export interface Inquiry {
  readonly request: RequestMessage;
  /** Where CRIU writes its log. */
  readonly logPath?: string;
  readonly notify?: NotifyHandler;
}

/** What a handler threw, and at which stage. */
export interface Refusal {
  readonly stage: string;
  readonly error: unknown;
}
