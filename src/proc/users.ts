/**
 * The users whose processes a tree has.
 *
 * @module
 */

import type { TreeProcess } from "./listing.ts";
import { PROC_ROOT, readText } from "./procfs.ts";

/** A user, by the number that processes carry. */
export interface User {
  readonly uid: number;
  /** Empty where this host has none for it. */
  readonly name: string;
}

/** The users that the processes run as, each once. */
export function usersOf(processes: readonly TreeProcess[], procRoot: string = PROC_ROOT): User[] {
  const uids = processes.flatMap(({ pid }) => {
    const line = /^Uid:\s*(.*)$/m.exec(readText(`${procRoot}/${pid}/status`) ?? "")?.[1] ?? "";
    return line.split(/\s+/).filter(Boolean).map(Number);
  });
  const names = userNames();
  return [...new Set(uids)].map((uid) => ({ uid, name: names.get(uid) ?? "" }));
}

/** The names of this host's users, as /etc/passwd has them. */
export function userNames(): ReadonlyMap<number, string> {
  const lines = (readText("/etc/passwd") ?? "").split("\n");
  return new Map(lines.flatMap((line): [number, string][] => {
    const [name, , uid] = line.split(":");
    return name && uid ? [[Number(uid), name]] : [];
  }));
}
