/**
 * Namespaces of a tree: those that CRIU cannot nest, and those that are made anew.
 *
 * @module
 */

import type { TreeProcess } from "../proc/listing.ts";
import { PROC_ROOT, readLink } from "../proc/procfs.ts";
import type { Finding } from "./finding.ts";

/** Of these a whole tree has one: CRIU nests only mount and network namespaces. */
const SINGLE = ["cgroup", "ipc", "pid", "time", "user", "uts"] as const;

const MADE_ANEW: readonly (readonly [kind: string, what: string, remedy: string])[] = [
  [
    "mnt",
    "mount namespace",
    "Name mounts that the destination provides by --external (CRIU's mnt[...])",
  ],
  [
    "net",
    "network namespace",
    "Its devices are made anew there; name those of the host by --external (CRIU's veth[...])",
  ],
  ["user", "user namespace", "The destination must map the same users"],
];

/** What the tree's namespaces, compared with those of phaul itself, mean for a migration. */
export function findNamespaces(processes: readonly TreeProcess[], procRoot: string): Finding[] {
  const root = processes[0];
  if (root === undefined) return [];
  return [
    ...findNested(root, processes, procRoot),
    ...findHeadless(root, procRoot),
    ...findMadeAnew(root, procRoot),
  ];
}

function findNested(
  root: TreeProcess,
  processes: readonly TreeProcess[],
  procRoot: string,
): Finding[] {
  return SINGLE.flatMap((kind): Finding[] => {
    const own = namespaceOf(root.pid, kind, procRoot);
    const other = processes.find(({ pid }) => {
      const its = namespaceOf(pid, kind, procRoot);
      // One that is phaul's own is CRIU's as well, and nothing that would have to be dumped.
      const ours = readLink(`${PROC_ROOT}/self/ns/${kind}`);
      return own !== undefined && its !== undefined && its !== own && its !== ours;
    });
    if (other === undefined) return [];
    return [{
      code: "nested-namespace",
      severity: "blocker",
      message: `process ${other.pid} has a ${kind} namespace that is not its root's, process ` +
        `${root.pid}: CRIU does not dump those`,
      remedy: "Name the root of the inner tree by --pid",
    }];
  });
}

/** A tree with a pid namespace of its own has to begin at that one's init. */
function findHeadless({ pid, nsPid }: TreeProcess, procRoot: string): Finding[] {
  if (!differs(pid, "pid", procRoot) || nsPid === 1) return [];
  return [{
    code: "pid-namespace",
    severity: "blocker",
    message: `process ${pid} lives in a pid namespace whose init is outside its tree`,
    remedy: "Name that init by --pid; it takes everything below it along",
  }];
}

function findMadeAnew({ pid }: TreeProcess, procRoot: string): Finding[] {
  return MADE_ANEW.filter(([kind]) => differs(pid, kind, procRoot)).map((
    [, what, remedy],
  ) => ({
    code: "own-namespace",
    severity: "warning",
    message: `process ${pid} has a ${what} of its own, which is made anew on the destination`,
    remedy,
  }));
}

function differs(pid: number, kind: string, procRoot: string): boolean {
  const its = namespaceOf(pid, kind, procRoot);
  const ours = readLink(`${PROC_ROOT}/self/ns/${kind}`);
  return its !== undefined && ours !== undefined && its !== ours;
}

function namespaceOf(pid: number, kind: string, procRoot: string): string | undefined {
  return readLink(`${procRoot}/${pid}/ns/${kind}`);
}
