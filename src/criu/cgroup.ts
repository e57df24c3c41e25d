/**
 * Takes a criu out of phaul's service: what it restores must outlive a stop of the service, and a service
 * manager ends whatever lives in the service's cgroup.
 *
 * @module
 */

import { PhaulError } from "../errors.ts";

/** A mounted cgroup hierarchy, or the part of one that a container sees. */
interface Mount {
  readonly dir: string;
  /** What of the hierarchy is mounted there. */
  readonly root: string;
  /** Empty for version 2. */
  readonly controllers: readonly string[];
}

/**
 * Moves process `pid` to the root of each hierarchy it is not in the root of, provided that it is in a
 * service: in version 2, or in systemd's own hierarchy of version 1, below the root. Elsewhere nothing
 * is touched: whoever put phaul under a mere limit wants it to stay there.
 *
 * @param proc Where procfs is mounted.
 * @throws PhaulError `destination-unfit` when the process cannot be moved
 */
export function leaveServiceCgroup(pid: number, proc = "/proc"): void {
  const memberships = Deno.readTextFileSync(`${proc}/${pid}/cgroup`);
  const mounts = Deno.readTextFileSync(`${proc}/${pid}/mountinfo`);
  for (const dir of rootsToMoveTo(memberships, mounts)) move(pid, dir);
}

/**
 * The directories that are to take the process in: the pure part of {@linkcode leaveServiceCgroup}.
 *
 * @param memberships The text of /proc/PID/cgroup.
 * @param mountinfo The text of /proc/PID/mountinfo.
 */
export function rootsToMoveTo(memberships: string, mountinfo: string): string[] {
  const mounts = mountinfo.split("\n").flatMap(parseMount);
  const below = memberships.split("\n").flatMap((line) => {
    const [, , controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    const names = controllers.split(",").filter(Boolean);
    const mount = mounts.find((m) => sameHierarchy(m, names));
    // A container without a cgroup namespace sees its own cgroup as what is mounted.
    if (mount === undefined || path === "/" || path === mount.root) return [];
    return [{ dir: mount.dir, isService: names.length === 0 || names.includes("name=systemd") }];
  });
  return below.some((b) => b.isService) ? below.map((b) => b.dir) : [];
}

/** `36 32 0:31 ROOT DIR OPTIONS ... - TYPE SOURCE SUPER_OPTIONS`, the controllers among the latter. */
function parseMount(line: string): Mount[] {
  const [before = "", after = ""] = line.split(" - ");
  const [, , , root, dir] = before.split(" ");
  const [type, , options = ""] = after.split(" ");
  if (root === undefined || dir === undefined) return [];
  if (type === "cgroup2") return [{ dir, root, controllers: [] }];
  return type === "cgroup" ? [{ dir, root, controllers: options.split(",") }] : [];
}

function sameHierarchy(mount: Mount, names: readonly string[]): boolean {
  if (names.length === 0) return mount.controllers.length === 0;
  return names.every((name) => mount.controllers.includes(name));
}

function move(pid: number, dir: string): void {
  try {
    using file = Deno.openSync(`${dir}/cgroup.procs`, { write: true });
    file.writeSync(new TextEncoder().encode(String(pid)));
  } catch (cause) {
    throw new PhaulError(
      "destination-unfit",
      `Cannot move criu to the cgroup "${dir}", out of phaul's own`,
      {
        remedy:
          "Start phaul serve where it may write to the cgroup file system: what it restores " +
          "would end when its service is stopped",
        cause,
      },
    );
  }
}
