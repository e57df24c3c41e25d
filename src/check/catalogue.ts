/**
 * Everything that can be found, by its stable code. docs/checks.md is made from this.
 *
 * @module
 */

import type { ErrorCode } from "../errors.ts";

/** What is known of a code, whatever was found. */
interface Check {
  /** How a migration ends that is stopped by it. */
  readonly error: ErrorCode;
  /** What it means, as one sentence without a full stop. */
  readonly means: string;
}

/** Every code. A code is never reused for something else. */
export const CHECKS = {
  "traced": {
    error: "traced",
    means: "A debugger has hold of a process of the tree; CRIU has to be its only tracer",
  },
  "terminal-job": {
    error: "terminal-job",
    means: "The tree belongs to a session led from outside it, or has a terminal whose other end " +
      "is not in it",
  },
  "foreign-terminal": {
    error: "terminal-job",
    means: "The tree uses a terminal that stays on the source",
  },
  "tcp-connection": { error: "tcp-connection", means: "The tree holds a TCP connection" },
  "file-lock": { error: "file-locks", means: "The tree holds a lock or a lease on a file" },
  "journal-stream": {
    error: "external-socket",
    means: "The tree writes to systemd's journal, by a connection that cannot be moved",
  },
  "pipe-end": {
    error: "blocked",
    means: "The tree has one end of a pipe only: on the destination nobody is at the other",
  },
  "supervised": {
    error: "supervised",
    means: "Something starts, or may start, a second copy on the source once the tree has left",
  },
  "pid-taken": {
    error: "pid-taken",
    means: "A pid that the tree needs is taken on the destination",
  },
  "file-missing": {
    error: "file-missing",
    means: "A file that the tree uses is missing on the destination",
  },
  "file-differs": {
    error: "file-differs",
    means: "A file that the tree uses is another on the destination",
  },
} as const satisfies Readonly<Record<string, Check>>;

/** The code of a finding. */
export type CheckCode = keyof typeof CHECKS;
