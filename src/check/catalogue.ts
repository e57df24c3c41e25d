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
  "unix-peer": {
    error: "external-socket",
    means: "The tree is connected by a unix socket to a process outside it",
  },
  "socket-kind": {
    error: "blocked",
    means: "The tree has a socket of a protocol that CRIU cannot dump",
  },
  "kernel-object": {
    error: "blocked",
    means: "The tree has an object of the kernel open that CRIU cannot dump: io_uring, BPF, perf " +
      "and others",
  },
  "device": { error: "blocked", means: "The tree has a device open whose state CRIU cannot dump" },
  "file-watch": { error: "blocked", means: "The tree watches files by inotify or fanotify" },
  "deleted-file": {
    error: "blocked",
    means:
      "The tree uses a file that was deleted; it travels inside the images up to --ghost-limit",
  },
  "link-remap": {
    error: "blocked",
    means:
      "The tree uses a file whose name was deleted or taken by another, and that has a second " +
      "name; needs --link-remap",
  },
  "sysv-memory": {
    error: "blocked",
    means: "The tree has System V shared memory outside an IPC namespace of its own",
  },
  "uprobes": { error: "blocked", means: "A tracing tool has put probes into the tree" },
  "nested-namespace": {
    error: "blocked",
    means: "A process of the tree has a namespace of a kind that CRIU does not nest",
  },
  "pid-namespace": {
    error: "blocked",
    means: "The tree lives in a pid namespace and does not begin at its init",
  },
  "own-namespace": {
    error: "blocked",
    means: "The tree has namespaces of its own, which are made anew on the destination",
  },
  "security-profile": {
    error: "blocked",
    means: "A security module (AppArmor, SELinux) confines the tree",
  },
  "seccomp": { error: "blocked", means: "The tree filters its system calls" },
  "pipe-end": {
    error: "blocked",
    means: "The tree has one end of a pipe only: on the destination nobody is at the other",
  },
  "supervised": {
    error: "supervised",
    means: "Something starts, or may start, a second copy on the source once the tree has left",
  },
  "user-differs": {
    error: "blocked",
    means: "A user of the tree has another name on the destination, or none",
  },
  "pid-max": { error: "blocked", means: "The destination gives no pids as high as the tree's" },
  "room": {
    error: "no-space",
    means: "The tree's memory does not fit where the destination keeps images",
  },
  "lazy-pages": {
    error: "blocked",
    means: "The destination cannot fill memory in after the restore, so downtime grows with memory",
  },
  "dirty-tracking": {
    error: "blocked",
    means: "The source cannot copy memory while the tree runs, so downtime grows with memory",
  },
  "ptrace-scope": {
    error: "blocked",
    means: "A host lets nobody trace processes, which CRIU has to",
  },
  "capability": {
    error: "blocked",
    means: "On a host phaul lacks a capability that its role needs",
  },
  "time-namespace": {
    error: "blocked",
    means: "A host has no time namespaces: the tree's monotonic clock jumps",
  },
  "architecture": { error: "destination-unfit", means: "The hosts are of two architectures" },
  "page-size": { error: "destination-unfit", means: "The hosts have pages of two sizes" },
  "cpu": {
    error: "destination-unfit",
    means: "The destination's CPU lacks instructions that programs on the source may use",
  },
  "cpu-way-back": {
    error: "blocked",
    means:
      "The source's CPU lacks instructions of the destination's: a program started there could " +
      "not come here",
  },
  "criu-older": { error: "blocked", means: "The destination has an older CRIU than the source" },
  "kernel-older": {
    error: "blocked",
    means: "The destination has an older kernel than the source",
  },
  "cgroup-version": { error: "blocked", means: "The hosts have cgroups of two versions" },
  "clock": { error: "blocked", means: "The clocks of the hosts differ by more than a second" },
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

/** Whether `text` is such a code. */
export function isCheckCode(text: string): text is CheckCode {
  return Object.hasOwn(CHECKS, text);
}
