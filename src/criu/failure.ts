/**
 * A request that CRIU did not carry out.
 *
 * @module
 */

import { type ErrorCode, PhaulError } from "../errors.ts";
import { errnoName } from "../sys/mod.ts";
import type { Inquiry, Refusal } from "./inquiry.ts";
import { errorWords, logExcerpt } from "./log.ts";
import type { RequestMessage, RequestType, ResponseMessage } from "./messages.ts";
import { noRoomAt } from "./no_room.ts";
import { isNoSpace, remedyFor } from "./known_messages.ts";

/** What a {@linkcode CriuError} knows. */
export interface CriuErrorDetails {
  readonly request: RequestType;
  /** CRIU's cr_errno; 0 when it gave none. */
  readonly errno: number;
  /** Why, in CRIU's words where it has any. */
  readonly reason: string;
  /** Errors and warnings as they stand in the log. */
  readonly lines: readonly string[];
  readonly logPath?: string;
  /** What the notify handler threw. */
  readonly cause?: unknown;
  /** criu died; it gave no answer. */
  readonly died?: boolean;
}

/** A request that failed, with CRIU's own reason. */
export class CriuError extends PhaulError {
  override readonly name = "CriuError";
  readonly request: RequestType;
  readonly errno: number;
  readonly reason: string;
  readonly lines: readonly string[];
  readonly logPath?: string;
  /** criu died; it gave no answer. */
  readonly died: boolean;

  /** `action` is what could not be done, as in `dump process 4711`. */
  constructor(code: ErrorCode, action: string, details: CriuErrorDetails) {
    super(codeFor(code, details.reason), `Cannot ${action}: ${details.reason}`, {
      cause: details.cause,
      remedy: remedyFor(details.reason) ?? remedyForRequest(details.request),
      evidence: { lines: details.lines, log: details.logPath },
    });
    this.request = details.request;
    this.errno = details.errno;
    this.reason = details.reason;
    this.lines = details.lines;
    this.logPath = details.logPath;
    this.died = details.died ?? false;
  }
}

/** Why a request failed: by criu's answer, or because criu died. */
export type Failure =
  & ({ readonly response: ResponseMessage } | { readonly obituary: string })
  & { readonly refusal: Refusal | undefined };

/** The error for `inquiry`, with what the log has to say. */
export async function failureOf(inquiry: Inquiry, failure: Failure): Promise<CriuError> {
  const { request, logPath } = inquiry;
  const { reason: logged, lines } = logPath ? await logExcerpt(logPath) : { lines: [] };
  const { refusal } = failure;
  const response = "response" in failure ? failure.response : undefined;
  const errno = response?.crErrno ?? 0;
  const reason = refusalWords(refusal) ??
    ("obituary" in failure ? failure.obituary : undefined) ??
    logged ?? errorWords(response?.crErrmsg ?? "") ??
    (logPath === undefined ? undefined : await noRoomAt(logPath)) ??
    nothingSaid(request.type, errno);
  return new CriuError(codeOf(request.type), actionOf(request), {
    request: request.type,
    errno,
    reason,
    lines,
    logPath,
    died: "obituary" in failure,
    cause: refusal?.error,
  });
}

/** The error for an answer that is no message of CRIU's RPC. */
export function unreadableAnswer({ request, logPath }: Inquiry, cause: unknown): CriuError {
  return new CriuError(codeOf(request.type), actionOf(request), {
    request: request.type,
    errno: 0,
    reason: "what criu answered is no message of its RPC",
    lines: [],
    logPath,
    cause,
  });
}

/** Whoever cannot even tell its version is no criu, or cannot be started. */
function remedyForRequest(type: RequestType): string | undefined {
  if (type !== "VERSION") return undefined;
  return "Check that this criu runs here (its --version), or name another with --criu";
}

/** A full directory is the operator's to mend, whatever CRIU was about. */
function codeFor(code: ErrorCode, reason: string): ErrorCode {
  return isNoSpace(reason) ? "no-space" : code;
}

function codeOf(type: RequestType): ErrorCode {
  return type === "RESTORE" ? "restore-failed" : "criu-failed";
}

/** CRIU's log only says that its client refused; the client knows why. */
function refusalWords(refusal: Refusal | undefined): string | undefined {
  if (refusal === undefined) return undefined;
  const { stage, error } = refusal;
  const words = error instanceof Error ? error.message : String(error);
  return words === "" ? `refused in the notify ${stage}` : words;
}

function nothingSaid(type: RequestType, errno: number): string {
  // CRIU says so when it cannot get to know the kernel, and has no log to say more in.
  if (type === "FEATURE_CHECK") return 'it does not work on this kernel ("criu check" says more)';
  return errno === 0 ? "criu gave no reason" : `criu says ${errnoName(errno)}`;
}

function actionOf({ type, opts }: RequestMessage): string {
  switch (type) {
    case "DUMP":
      return `dump process ${opts?.pid}`;
    case "PRE_DUMP":
      return `pre-dump process ${opts?.pid}`;
    case "RESTORE":
      return "restore the process tree";
    case "PAGE_SERVER":
    case "PAGE_SERVER_CHLD":
      return "start CRIU's page server";
    case "WAIT_PID":
      return "wait for CRIU's page server";
    case "CPUINFO_DUMP":
      return "record the features of this CPU";
    case "CPUINFO_CHECK":
      return "run the process tree on this CPU";
    case "FEATURE_CHECK":
      return "ask criu for its features";
    case "VERSION":
      return "ask criu for its version";
    case "NOTIFY":
    case "EMPTY":
      return "talk to criu";
    default:
      return type satisfies never;
  }
}
