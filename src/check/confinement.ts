/**
 * Rules that the kernel holds a tree to, and that have to be there on the destination as well.
 *
 * @module
 */

import type { TreeProcess } from "../proc/listing.ts";
import { readText } from "../proc/procfs.ts";
import type { Finding } from "./finding.ts";

/** Security modules and system call filters. */
export function findConfinement(processes: readonly TreeProcess[], procRoot: string): Finding[] {
  return [...findProfiles(processes, procRoot), ...findFilters(processes, procRoot)];
}

function findProfiles(processes: readonly TreeProcess[], procRoot: string): Finding[] {
  const profiles = new Map<string, number>();
  for (const { pid } of processes) {
    const profile = profileOf(pid, procRoot);
    if (profile !== undefined && !profiles.has(profile)) profiles.set(profile, pid);
  }
  return [...profiles].map(([profile, pid]) => ({
    code: "security-profile",
    severity: "warning",
    message: `process ${pid} is confined by the security profile "${profile}"`,
    remedy: "Load the same profile on the destination",
  }));
}

/** AppArmor's has a file of its own where several modules are stacked. */
function profileOf(pid: number, procRoot: string): string | undefined {
  for (const name of ["attr/apparmor/current", "attr/current"]) {
    const text = readAttribute(`${procRoot}/${pid}/${name}`)?.replace(/[\0\n]+$/, "").trim();
    if (text) return /^unconfined\b|:unconfined_t:/.test(text) ? undefined : text;
  }
  return undefined;
}

/** Without a module that answers, reading it is an invalid argument. */
function readAttribute(path: string): string | undefined {
  try {
    return readText(path);
  } catch {
    return undefined;
  }
}

function findFilters(processes: readonly TreeProcess[], procRoot: string): Finding[] {
  const filtered = processes.find(({ pid }) =>
    /^Seccomp:\s*[12]$/m.test(readText(`${procRoot}/${pid}/status`) ?? "")
  );
  if (filtered === undefined) return [];
  const message =
    `process ${filtered.pid} has a filter of system calls (seccomp), which moves along`;
  return [{ code: "seccomp", severity: "note", message }];
}
