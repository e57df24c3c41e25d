/**
 * A request that CRIU did not carry out.
 *
 * @module
 */

import { type ErrorCode, PhaulError } from "../errors.ts";
import { errnoName } from "../sys/mod.ts";
import { logExcerpt } from "./log.ts";
import type { RequestType, ResponseMessage } from "./messages.ts";

/** A request that failed, with CRIU's own reason. */
export class CriuError extends PhaulError {
  override readonly name = "CriuError";
  readonly request: RequestType;
  /** CRIU's cr_errno; 0 when it gave none. */
  readonly errno: number;
  /** CRIU's words. */
  readonly reason: string;
  /** Lines of the log that matter. */
  readonly lines: readonly string[];
  readonly logPath?: string;

  constructor(
    code: ErrorCode,
    details: {
      request: RequestType;
      errno: number;
      reason: string;
      lines: readonly string[];
      logPath?: string;
      cause?: unknown;
    },
  ) {
    super(code, details.reason, { cause: details.cause, remedy: remedyFor(details.reason) });
    this.request = details.request;
    this.errno = details.errno;
    this.reason = details.reason;
    this.lines = details.lines;
    this.logPath = details.logPath;
  }
}

/** What went wrong, from CRIU's answer (null when it died) and its log. */
export async function failureOf(
  request: RequestType,
  response: ResponseMessage | null,
  logPath: string | undefined,
  cause?: unknown,
): Promise<CriuError> {
  const { reason, lines } = logPath ? await logExcerpt(logPath) : { lines: [] };
  const errno = response?.crErrno ?? 0;
  const said = reason ?? usable(response?.crErrmsg) ?? fallback(response, errno);
  const code = request === "RESTORE" ? "restore-failed" : "criu-failed";
  return new CriuError(code, { request, errno, reason: said, lines, logPath, cause });
}

/** cr_errmsg is the first error logged, which is mostly the harmless one about file limits. */
function usable(message: string | undefined): string | undefined {
  const text = message?.replace(/^.*Error \([^)]*\): /s, "").trim();
  return text && !/RLIMIT_NOFILE/.test(text) ? text : undefined;
}

function fallback(response: ResponseMessage | null, errno: number): string {
  if (response === null) return "criu ended in the middle of it";
  return errno === 0 ? "criu gave no reason" : `criu says ${errnoName(errno)}`;
}

const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/Connected TCP socket|--tcp-established/, "Migrate with --tcp-established or --tcp-close"],
  [/session leader|slave peer|--shell-job|controlling terminal/i, "Migrate with --shell-job"],
  [/ghost file/i, "Raise --ghost-limit above the file's size"],
  [/file locks/i, "Migrate with --file-locks"],
  [/link-remap/i, "Migrate with --link-remap"],
  [/ext-unix-sk|external unix/i, "Migrate with --ext-unix-sk"],
  [
    /Can't open file .* on restore|No such file/,
    "Put the file on the destination, at the same path",
  ],
  [/has bad (size|mode|build)/, "Make the file the same on both hosts"],
  [/Can't fork for|Pid .* mismatch/, "End the process that has this pid on the destination"],
  [/Address already in use/, "Free the address on the destination"],
  [/No space left|ENOSPC/, "Make room in the working directory, or name another with --work-dir"],
];

function remedyFor(reason: string): string | undefined {
  return REMEDIES.find(([pattern]) => pattern.test(reason))?.[1];
}
