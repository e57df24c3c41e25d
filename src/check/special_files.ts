/**
 * Open files that are no files: objects of the kernel, and devices.
 *
 * @module
 */

import { type Descriptor, isWriteOnly } from "../proc/descriptors.ts";
import { statOf } from "../proc/procfs.ts";
import type { Finding } from "./finding.ts";

/** The kernel's flag of a pidfd that stands for one thread: O_EXCL. */
const PIDFD_THREAD = 0o200;

/** Objects that CRIU dumps (its files.c), by the text between the brackets. */
const KNOWN_OBJECTS = [
  "eventfd",
  "eventpoll",
  "fanotify",
  "inotify",
  "pidfd",
  "signalfd",
  "timerfd",
  // Of few kinds, and only where CRIU was built with libbpf: a warning, see below.
  "bpf-map",
];

/** Why some of the others cannot travel, and what to do. */
const UNKNOWN_OBJECTS: Readonly<Record<string, string>> = {
  "io_uring": "Start the program without io_uring (many have a switch for it)",
  "perf_event": "End the profiler first",
  "userfaultfd": "Whatever handles page faults by itself cannot be moved",
  "bpf-prog": "Unload its BPF programs first",
  "bpf_link": "Unload its BPF programs first",
};

/** Numbers of devices that CRIU opens again by their path: major, and minors where not all. */
const KNOWN_DEVICES: readonly (readonly [major: number, minors?: readonly number[]])[] = [
  [1, [3, 5, 7, 8, 9]], // null, zero, full, random, urandom
  [4, Array.from({ length: 63 }, (_, i) => i + 1)], // tty1 to tty63
  [5], // tty, console, ptmx
  [10, [200, 235]], // net/tun, autofs
  ...Array.from({ length: 8 }, (_, i) => [136 + i] as const), // pts
  [188], // ttyUSB
  [204], // ttyAMA
];

/** Whoever only writes to the kernel's log has no state there. */
const KMSG = [1, 11] as const;

/** How the program stands to file system events: by watches that CRIU has to find the files of. */
const WATCHERS = ["inotify", "fanotify"];

/** Whether it stands for a process. */
export function isPidfd({ target }: Descriptor): boolean {
  return kindOf(target) === "pidfd";
}

/** What they are looked at with. */
export interface SpecialRules {
  readonly procRoot: string;
  /** CRIU can dump pidfds. */
  readonly pidfds: boolean;
  /** Of the tree. */
  readonly pids: ReadonlySet<number>;
}

/** Objects of the kernel and devices among `descriptors` that stand in the way, or are to be known. */
export function findSpecialFiles(
  descriptors: readonly Descriptor[],
  rules: SpecialRules,
): Finding[] {
  return [
    ...descriptors.flatMap((descriptor) => findObject(descriptor, rules)),
    ...descriptors.flatMap((descriptor) => findDevice(descriptor, rules.procRoot)),
    ...findWatchers(descriptors),
  ];
}

function findObject(descriptor: Descriptor, rules: SpecialRules): Finding[] {
  const { pid, fd, target } = descriptor;
  const kind = kindOf(target);
  if (kind === undefined) return [];
  const finding = (severity: Finding["severity"], message: string, remedy: string): Finding[] => [
    { code: "kernel-object", severity, message, remedy },
  ];
  if (kind === "pidfd" && leadsOut(descriptor, rules.pids)) {
    const message =
      `process ${pid} has a pidfd on fd ${fd} of a thread, or of a process outside the tree`;
    return finding("blocker", message, "Have the program close it before it is moved");
  }
  if (kind === "pidfd" && !rules.pidfds) {
    const remedy = "Install CRIU 4.1 or later on both hosts";
    return finding(
      "blocker",
      `process ${pid} has a pidfd on fd ${fd}, which this CRIU cannot dump`,
      remedy,
    );
  }
  if (kind === "bpf-map") {
    const message = `process ${pid} has a BPF map on fd ${fd}, of which CRIU dumps few kinds`;
    return finding("warning", message, "Try it first: phaul plan dumps without moving anything");
  }
  if (KNOWN_OBJECTS.includes(kind)) return [];
  const remedy = UNKNOWN_OBJECTS[kind] ?? "Have the program close it before it is moved";
  return finding(
    "blocker",
    `process ${pid} has "${target}" on fd ${fd}, which CRIU cannot dump`,
    remedy,
  );
}

/** CRIU dumps pidfds of processes of the tree, and of those that are dead (-1). */
function leadsOut({ info, flags }: Descriptor, pids: ReadonlySet<number>): boolean {
  const pid = Number(/^Pid:\s*(-?\d+)$/m.exec(info)?.[1] ?? -1);
  return (pid > 0 && !pids.has(pid)) || (flags & PIDFD_THREAD) !== 0;
}

/** `anon_inode:[eventfd]`, `anon_inode:inotify` and `pidfd:[4711]` all name a kind. */
function kindOf(target: string): string | undefined {
  if (target.startsWith("pidfd:")) return "pidfd";
  return /^anon_inode:\[?([^\]]+)\]?$/.exec(target)?.[1];
}

function findDevice(descriptor: Descriptor, procRoot: string): Finding[] {
  const { pid, fd, target } = descriptor;
  if (!target.startsWith("/")) return [];
  const info = statOf(`${procRoot}/${pid}/fd/${fd}`);
  if (!info?.isCharDevice && !info?.isBlockDevice) return [];
  const [major, minor] = deviceOf(info.rdev ?? 0);
  const known = info.isCharDevice && KNOWN_DEVICES.some(([one, minors]) => {
    return one === major && (minors?.includes(minor) ?? true);
  });
  const logs = major === KMSG[0] && minor === KMSG[1] && isWriteOnly(descriptor);
  if (known || logs) return [];
  return [{
    code: "device",
    severity: "blocker",
    message: `process ${pid} has the device "${target}" (${major}:${minor}) open on fd ${fd}, ` +
      "whose state CRIU cannot dump",
    remedy: "Have the program close it before it is moved",
  }];
}

/** As glibc's gnu_dev_major and gnu_dev_minor take a number apart. */
function deviceOf(rdev: number): [major: number, minor: number] {
  const number = BigInt(rdev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
  const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn);
  return [Number(major), Number(minor)];
}

function findWatchers(descriptors: readonly Descriptor[]): Finding[] {
  const watching = descriptors.filter(({ target, info }) =>
    WATCHERS.includes(kindOf(target) ?? "") && /^(inotify|fanotify) /m.test(info)
  );
  const pids = new Set(watching.map(({ pid }) => pid));
  return [...pids].map((pid) => ({
    code: "file-watch",
    severity: "note",
    message:
      `process ${pid} watches files (inotify or fanotify): events that nobody has read yet ` +
      "are lost, and every watched file has to be on the destination",
  }));
}
