/**
 * Takes a criu out of phaul's own cgroup: what it restores must outlive a stop of phaul's service.
 *
 * @module
 */

const MOUNTS = "/proc/self/mounts";

/**
 * Moves process `pid` to the root of every cgroup hierarchy it is in below one. Best effort: in a
 * container without write access it stays where it is, and a note is all that can be done.
 */
export function leaveOwnCgroup(pid: number): void {
  for (const root of cgroupRoots()) {
    try {
      Deno.writeTextFileSync(`${root}/cgroup.procs`, String(pid));
    } catch {
      // Read-only, or in the root already where a controller forbids the move.
    }
  }
}

/** Mount points of all cgroup hierarchies, version 1 and 2. */
function cgroupRoots(): string[] {
  return Deno.readTextFileSync(MOUNTS).split("\n").flatMap((line) => {
    const [, where, type] = line.split(" ");
    return where && (type === "cgroup2" || type === "cgroup") ? [where] : [];
  });
}
