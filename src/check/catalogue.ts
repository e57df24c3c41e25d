/**
 * Everything that can be found, by its stable code. docs/checks.md is made from this.
 *
 * @module
 */

import type { ErrorCode } from "../errors.ts";

/** What is known of a code, whatever was found. */
interface Check {
  /** As which severity it is found at worst. */
  readonly worst: "blocker" | "warning" | "note";
  /** How a migration ends that is stopped by it; `blocked` when not given. */
  readonly error?: ErrorCode;
  /** What it means, as one sentence without a full stop. */
  readonly means: string;
}

/** Every code. A code is never reused for something else. */
export const CHECKS = {
  "traced": {
    worst: "blocker",
    error: "traced",
    means: "A debugger has hold of a process of the tree; CRIU has to be its only tracer",
  },
  "terminal-job": {
    worst: "blocker",
    error: "terminal-job",
    means: "The tree belongs to a session led from outside it, or has a terminal whose other end " +
      "is not in it",
  },
  "foreign-terminal": {
    worst: "warning",
    means: "The tree uses a terminal that stays on the source",
  },
  "tcp-connection": {
    worst: "blocker",
    error: "tcp-connection",
    means: "The tree holds a TCP connection",
  },
  "file-lock": {
    worst: "blocker",
    error: "file-locks",
    means: "The tree holds a lock or a lease on a file",
  },
  "journal-stream": {
    worst: "blocker",
    error: "external-socket",
    means: "The tree writes to systemd's journal, by a connection that cannot be moved",
  },
  "unix-peer": {
    worst: "blocker",
    error: "external-socket",
    means: "The tree is connected by a unix socket to a process outside it",
  },
  "socket-kind": {
    worst: "blocker",
    means: "The tree has a socket of a protocol that CRIU cannot dump",
  },
  "netlink": {
    worst: "blocker",
    means: "The tree has a netlink socket that CRIU cannot dump, or not at the moment",
  },
  "kernel-object": {
    worst: "blocker",
    means: "The tree has an object of the kernel open that CRIU cannot dump: io_uring, BPF, perf " +
      "and others",
  },
  "device": { worst: "blocker", means: "The tree has a device open whose state CRIU cannot dump" },
  "file-watch": { worst: "note", means: "The tree watches files by inotify or fanotify" },
  "deleted-file": {
    worst: "blocker",
    means:
      "The tree uses a file that was deleted; it travels inside the images up to --ghost-limit",
  },
  "link-remap": {
    worst: "blocker",
    means:
      "The tree uses a file whose name was deleted or taken by another, and that has a second " +
      "name; needs --link-remap",
  },
  "sysv-memory": {
    worst: "blocker",
    means: "The tree has System V shared memory outside an IPC namespace of its own",
  },
  "sysv-object": {
    worst: "blocker",
    means: "The tree was the last to use System V semaphores, or a message queue, outside an IPC " +
      "namespace of its own: CRIU would leave them behind without a word",
  },
  "uprobes": { worst: "blocker", means: "A tracing tool has put probes into the tree" },
  "nested-namespace": {
    worst: "blocker",
    means: "A process of the tree has a namespace of a kind that CRIU does not nest",
  },
  "pid-namespace": {
    worst: "blocker",
    means: "The tree lives in a pid namespace and does not begin at its init",
  },
  "own-namespace": {
    worst: "warning",
    means: "The tree has namespaces of its own, which are made anew on the destination",
  },
  "security-profile": {
    worst: "warning",
    means: "A security module (AppArmor, SELinux) confines the tree",
  },
  "seccomp": { worst: "note", means: "The tree filters its system calls" },
  "pipe-end": {
    worst: "warning",
    means: "The tree has one end of a pipe only: on the destination nobody is at the other",
  },
  "supervised": {
    worst: "blocker",
    error: "supervised",
    means: "Something starts, or may start, a second copy on the source once the tree has left",
  },
  "user-differs": {
    worst: "warning",
    means: "A user of the tree has another name on the destination, or none",
  },
  "pid-max": { worst: "blocker", means: "The destination gives no pids as high as the tree's" },
  "room": {
    worst: "blocker",
    error: "no-space",
    means:
      "The tree's memory does not fit where the destination keeps images by itself, or where a " +
      "criu service of the source would write it",
  },
  "lazy-pages": {
    worst: "note",
    means: "The destination cannot fill memory in after the restore, so downtime grows with memory",
  },
  "dirty-tracking": {
    worst: "warning",
    means: "The source cannot copy memory while the tree runs, so downtime grows with memory",
  },
  "ptrace-scope": {
    worst: "blocker",
    means: "A host lets nobody trace processes, which CRIU has to",
  },
  "capability": {
    worst: "blocker",
    means: "On a host phaul lacks a capability that its role needs, or that this tree needs",
  },
  "time-namespace": {
    worst: "warning",
    means: "A host has no time namespaces: the tree's monotonic clock jumps",
  },
  "architecture": {
    worst: "blocker",
    error: "destination-unfit",
    means: "The hosts are of two architectures",
  },
  "page-size": {
    worst: "blocker",
    error: "destination-unfit",
    means: "The hosts have pages of two sizes",
  },
  "cpu": {
    worst: "blocker",
    error: "destination-unfit",
    means: "The destination's CPU lacks instructions that programs on the source may use",
  },
  "cpu-state": {
    worst: "warning",
    means: "The CPUs keep their registers in different ways, or cannot be compared",
  },
  "cpu-way-back": {
    worst: "note",
    means:
      "The source's CPU lacks instructions of the destination's: a program started there could " +
      "not come here",
  },
  "criu-older": { worst: "warning", means: "The destination has an older CRIU than the source" },
  "kernel-older": {
    worst: "warning",
    means: "The destination has an older kernel than the source",
  },
  "cgroup-version": { worst: "note", means: "The hosts have cgroups of two versions" },
  "clock": { worst: "warning", means: "The clocks of the hosts differ by more than a second" },
  "pid-taken": {
    worst: "blocker",
    error: "pid-taken",
    means: "A pid that the tree needs is taken on the destination",
  },
  "file-missing": {
    worst: "blocker",
    error: "file-missing",
    means: "A file that the tree uses is missing on the destination",
  },
  "file-differs": {
    worst: "blocker",
    error: "file-differs",
    means: "A file that the tree uses is another on the destination",
  },
  "files-refused": {
    worst: "blocker",
    error: "path-refused",
    means: "The destination lets no files be put where --fs is to bring them",
  },
} as const satisfies Readonly<Record<string, Check>>;

/** How a migration ends that is stopped by a finding of that code. */
export function errorOf(code: CheckCode): ErrorCode {
  const { error }: Check = CHECKS[code];
  return error ?? "blocked";
}

/** The code of a finding. */
export type CheckCode = keyof typeof CHECKS;

/** Whether `text` is such a code. */
export function isCheckCode(text: string): text is CheckCode {
  return Object.hasOwn(CHECKS, text);
}
