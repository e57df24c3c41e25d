/**
 * Every failure of phaul is a {@linkcode PhaulError} with a stable code. The message says what could
 * not be done, with the values quoted; `remedy` says what to do about it; `cause` is what lay below.
 *
 * @module
 */

/** The stable codes. The exit code of each stands in docs/scripting.md; a code is never reused. */
export type ErrorCode =
  | "usage"
  | "not-root"
  | "criu-missing"
  | "criu-too-old"
  | "feature-missing"
  | "no-such-process"
  | "kernel-thread"
  | "own-process"
  | "terminal-job"
  | "tcp-connection"
  | "supervised"
  | "process-gone"
  | "file-missing"
  | "file-differs"
  | "pid-taken"
  | "destination-unfit"
  | "port-in-use"
  | "directory-unusable"
  | "no-space"
  | "peer-unreachable"
  | "peer-silent"
  | "peer-lost"
  | "peer-failed"
  | "impostor"
  | "wrong-token"
  | "version-mismatch"
  | "protocol"
  | "criu-failed"
  | "page-stream"
  | "restore-failed"
  | "stalled"
  | "hook-failed"
  | "probe-failed"
  | "unhealthy"
  | "cancelled"
  | "in-doubt"
  | "syscall"
  | "internal"
  | "file-locks"
  | "traced"
  | "journal-damaged"
  | "no-such-migration"
  | "too-late"
  | "undecided"
  | "not-forced"
  | "busy"
  | "external-socket"
  | "over-budget"
  | "blocked"
  | "rsync-missing"
  | "path-refused"
  | "files-failed"
  | "archive-damaged"
  | "archive-used"
  | "archive-exists";

/** What somebody else wrote about a failure: CRIU, in its log. */
export interface Evidence {
  /** The lines that matter, the oldest first. */
  readonly lines: readonly string[];
  /** Where the whole of it lies, on the host that failed. */
  readonly log?: string;
  /** That host is the peer. */
  readonly remote?: boolean;
}

/** What a {@linkcode PhaulError} carries besides its code and message. */
export interface PhaulErrorDetails {
  /** What the operator should do, as one sentence. */
  readonly remedy?: string;
  /** The failure below this one. */
  readonly cause?: unknown;
  readonly evidence?: Evidence;
}

/** A failure with a stable code, a message for people and, where there is one, a remedy. */
export class PhaulError extends Error {
  override readonly name: string = "PhaulError";
  readonly code: ErrorCode;
  readonly remedy?: string;
  readonly evidence?: Evidence;

  constructor(code: ErrorCode, message: string, details: PhaulErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.remedy = details.remedy;
    this.evidence = details.evidence;
  }
}

/** A system call that failed: its name and errno, with the errno's name in the message. */
export class SyscallError extends PhaulError {
  override readonly name = "SyscallError";
  readonly syscall: string;
  readonly errno: number;

  constructor(syscall: string, errno: number, errnoName: string) {
    super("syscall", `Cannot ${syscall}: ${errnoName}`);
    this.syscall = syscall;
    this.errno = errno;
  }
}

/** `error` as a {@linkcode PhaulError}: itself when it is one, else wrapped as `internal`. */
export function asPhaulError(error: unknown): PhaulError {
  if (error instanceof PhaulError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new PhaulError("internal", text, { cause: error });
}
