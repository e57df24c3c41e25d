/**
 * Checks that this host can take in a tree: pids free, files present and alike.
 *
 * @module
 */

import { type FileKind, isKernelPath, kindOf } from "../proc/files.ts";
import { listNumbers, PROC_ROOT, readStat, statOf } from "../proc/procfs.ts";
import { readBuildId } from "../proc/build_id.ts";
import { type User, userNames } from "../proc/users.ts";
import type { Finding } from "./finding.ts";

/** A file as a peer describes it; what is left out is not compared. */
export interface NeededFile {
  readonly path: string;
  readonly kind: FileKind;
  /** Bytes; compared for the kind `file`. */
  readonly size: number;
  /** Permission bits (0o7777); compared for files and directories. */
  readonly mode?: number;
  /** Of a program or library, where it has one. */
  readonly buildId?: Uint8Array;
  /** True to let the size differ. */
  readonly appendOnly?: boolean;
}

/** What a tree needs on the host that takes it in. */
export interface DestinationNeeds {
  /** Pids of the tree in its innermost pid namespace. */
  readonly pids: readonly number[];
  readonly files: readonly NeededFile[];
  /** The tree brings its own pid namespace, so its pids cannot clash. */
  readonly ownPidNamespace: boolean;
  /** Not compared when not given. */
  readonly users?: readonly User[];
}

/** What of `needs` this host does not have as it must be. */
export function checkDestination(needs: DestinationNeeds, procRoot: string = PROC_ROOT): Finding[] {
  return [
    ...(needs.ownPidNamespace ? [] : findPids(needs.pids, procRoot)),
    ...needs.files.flatMap((file) => findFile(file) ?? []),
    ...findUsers(needs.users ?? []),
  ];
}

function findPids(pids: readonly number[], procRoot: string): Finding[] {
  const taken = new Map<number, string>();
  const wanted = new Set(pids);
  // What is here is listed, not each that is wanted looked up: a peer may want very many.
  for (const stat of listNumbers(procRoot).flatMap((pid) => readStat(pid, procRoot) ?? [])) {
    for (const id of [stat.pid, ...listNumbers(`${procRoot}/${stat.pid}/task`)]) {
      if (wanted.has(id)) taken.set(id, `pid ${id} is taken by "${stat.comm}"`);
    }
    // The kernel gives no pid away that still names a process group or session.
    for (
      const [id, what] of [[stat.processGroup, "process group"], [stat.session, "session"]] as const
    ) {
      if (!wanted.has(id) || taken.has(id)) continue;
      taken.set(id, `pid ${id} is taken as the ${what} of process ${stat.pid} ("${stat.comm}")`);
    }
  }
  return [...taken.values()].map((message) => ({
    code: "pid-taken",
    severity: "blocker",
    message,
    remedy: "End or restart what has the pid on the destination, or start the program in a pid " +
      "namespace of its own (unshare --pid --fork --mount-proc) before it is moved",
  }));
}

function findFile(file: NeededFile): Finding | undefined {
  const { path, kind } = file;
  const info = statOf(path);
  if (info === undefined) {
    return {
      code: "file-missing",
      severity: "blocker",
      message: `"${path}" is missing`,
      remedy: remedyForMissing(file),
    };
  }
  const differs = (how: string, remedy: string): Finding => ({
    code: "file-differs",
    severity: "blocker",
    message: `"${path}" ${how}`,
    remedy,
  });
  const found = kindOf(info);
  if (found !== kind) return differs(`is a ${found ?? "strange file"}, not a ${kind}`, REPLACE);
  if (kind === "file" && file.appendOnly !== true && info.size !== file.size) {
    return differs(`has ${info.size} bytes, not ${file.size}`, remedyForSize(file));
  }
  if (file.buildId !== undefined && kind === "file" && !isKernelPath(path)) {
    const id = readBuildId(path)?.toHex();
    if (id !== undefined && id !== file.buildId.toHex()) {
      return differs(`is another build (${id}, not ${file.buildId.toHex()})`, SAME_PACKAGES);
    }
  }
  const mode = (info.mode ?? 0) & 0o7777;
  if ((kind === "file" || kind === "directory") && file.mode !== undefined && mode !== file.mode) {
    return differs(
      `has mode ${octal(mode)}, not ${octal(file.mode)}`,
      "Give files and directories the modes they have on the source (chmod)",
    );
  }
  return undefined;
}

const SAME_PACKAGES = "Install the same versions of the same packages on both hosts";
const REPLACE = "Replace what differs by what the source has";

function remedyForMissing({ buildId }: NeededFile): string {
  if (buildId) {
    return SAME_PACKAGES;
  }
  return "Copy what is missing from the source to the same path (rsync -a keeps size and mode)";
}

function remedyForSize({ buildId }: NeededFile): string {
  if (buildId) {
    return SAME_PACKAGES;
  }
  return "Copy what differs from the source (rsync -a); a file that the program goes on writing must " +
    "be on storage that both hosts share, or, when it is a log, be opened for appending only (>>)";
}

/** A program keeps its number; what that may do depends on whose it is there. */
function findUsers(users: readonly User[]): Finding[] {
  const names = userNames();
  return users.flatMap(({ uid, name }): Finding[] => {
    const there = names.get(uid) ?? "";
    if (name === "" || there === name) return [];
    const whose = there === "" ? "nobody" : `"${there}"`;
    return [{
      code: "user-differs",
      severity: there === "" ? "note" : "warning",
      message: `user ${uid} is "${name}" on the source and ${whose} on the destination`,
      remedy: "Give the user the same number on both hosts",
    }];
  });
}

function octal(mode: number): string {
  return `0${mode.toString(8)}`;
}
