/**
 * The exit codes: one for each kind of failure, grouped by tens. They are part of phaul's interface:
 * a number is never used for something else. docs/scripting.md shows the same table.
 *
 * @module
 */

import type { ErrorCode } from "../errors.ts";

/** One line of the table. */
export interface ExitCode {
  readonly exit: number;
  readonly means: string;
}

/** The exit code of success. */
export const EXIT_OK = 0;

/** The exit code of a check that found warnings and nothing worse; blockers are the error `blocked`. */
export const EXIT_WARNINGS = 70;

/** What the tens stand for. */
export const EXIT_GROUPS: readonly (readonly [codes: string, means: string])[] = [
  ["0", "done"],
  ["1-2", "a defect of phaul, or a command line it cannot understand"],
  ["10-19", "this host is not fit"],
  ["20-29", "the process cannot be moved as it is"],
  ["30-39", "the destination cannot take it"],
  ["40-49", "the connection to the peer"],
  ["50-59", "the migration failed or was cancelled"],
  ["60-62", "in doubt: phaul recover says which copy goes on, or what to decide"],
  ["70-71", "checks: warnings were found, or blockers"],
  ["80", "the process was moved, and something is wrong with it"],
  ["90", "files that come along"],
];

/** The exit code of every failure. */
export const EXIT_CODES: Readonly<Record<ErrorCode, ExitCode>> = {
  "internal": { exit: 1, means: "a failure that phaul did not foresee" },
  "usage": { exit: 2, means: "unknown command or flag, or a bad value" },

  "not-root": { exit: 10, means: "phaul does not run as root" },
  "criu-missing": { exit: 11, means: "no criu was found" },
  "criu-too-old": { exit: 12, means: "criu is older than 3.17" },
  "feature-missing": { exit: 13, means: "the kernel or criu lacks something that was asked for" },
  "directory-unusable": { exit: 14, means: "a directory cannot be made or written" },
  "no-space": { exit: 15, means: "the working directory is full" },
  "port-in-use": { exit: 16, means: "another program listens on the port" },
  "syscall": { exit: 17, means: "a system call failed" },
  "journal-damaged": { exit: 18, means: "a journal holds what is no record" },

  "rsync-missing": { exit: 19, means: "rsync was not found" },

  "no-such-process": { exit: 20, means: "there is no process with that pid" },
  "kernel-thread": { exit: 21, means: "the pid is that of a kernel thread" },
  "own-process": { exit: 22, means: "the tree holds phaul itself or an ancestor of it" },
  "terminal-job": { exit: 23, means: "the tree has a terminal; needs --shell-job" },
  "tcp-connection": { exit: 24, means: "the tree has a TCP connection; needs --tcp-established" },
  "supervised": { exit: 25, means: "something would restart the process after it left" },
  "process-gone": { exit: 26, means: "the process ended during the migration" },
  "file-locks": { exit: 27, means: "the tree holds file locks; needs --file-locks" },
  "traced": { exit: 28, means: "a debugger or tracer is attached to the tree" },
  "external-socket": {
    exit: 29,
    means: "the tree is connected to a process outside it, such as the journal",
  },

  "destination-unfit": { exit: 30, means: "the destination cannot run the tree" },
  "file-missing": { exit: 31, means: "a file that the tree has open is missing there" },
  "file-differs": { exit: 32, means: "a file that the tree has open differs there" },
  "pid-taken": { exit: 33, means: "a pid of the tree is taken there" },
  "busy": { exit: 34, means: "another phaul has the migration, or has no room for one more" },
  "archive-damaged": { exit: 35, means: "the archive is damaged, cut off or none of phaul's" },
  "archive-used": {
    exit: 36,
    means: "the archive was restored on this host before; needs --again",
  },
  "archive-exists": { exit: 37, means: "there is a file already where the archive is to be" },
  "path-refused": { exit: 38, means: "the destination lets no files be put there" },

  "peer-unreachable": { exit: 40, means: "no connection to the peer" },
  "peer-silent": { exit: 41, means: "the peer did not answer in time" },
  "peer-lost": { exit: 42, means: "the connection to the peer ended" },
  "peer-failed": { exit: 43, means: "the peer failed" },
  "impostor": { exit: 44, means: "the peer's certificate is not the token's" },
  "wrong-token": { exit: 45, means: "the join token is malformed, exposed or not the peer's" },
  "version-mismatch": { exit: 46, means: "the peer speaks no version in common" },
  "protocol": { exit: 47, means: "the peer sent something that is not allowed" },

  "criu-failed": { exit: 50, means: "criu could not dump" },
  "page-stream": { exit: 51, means: "the page stream is not as it must be" },
  "restore-failed": { exit: 52, means: "criu could not restore" },
  "stalled": { exit: 53, means: "nothing moved for too long" },
  "hook-failed": { exit: 54, means: "the --hook program failed" },
  "cancelled": { exit: 55, means: "cancelled by a signal" },

  "no-such-migration": { exit: 56, means: "there is no migration of that id" },
  "too-late": { exit: 57, means: "the process was handed over before it could be cancelled" },

  "over-budget": { exit: 58, means: "the switchover would take longer than --max-downtime" },

  "probe-failed": { exit: 59, means: "the --probe-stopped command failed before the commit" },

  "in-doubt": { exit: 60, means: "the destination did not confirm that the tree runs" },
  "undecided": { exit: 61, means: "only a person can say which copy goes on" },
  "not-forced": { exit: 62, means: "the journals decide, whatever was forced" },

  "blocked": { exit: 71, means: "a check found what stops a migration" },

  "unhealthy": { exit: 80, means: "the process runs on the destination, and --probe fails there" },

  "files-failed": { exit: 90, means: "files could not be brought to the destination" },
};

/** The exit code for a failure. */
export function exitCodeOf(code: ErrorCode): number {
  return EXIT_CODES[code].exit;
}
