/**
 * What one host lacks for its role in a migration.
 *
 * @module
 */

import type { Finding, Severity } from "./finding.ts";

/** The two roles of a host. */
export type Role = "source" | "destination";

/** What of a host the rules look at; see HostFacts of the wire. */
export interface JudgedHost {
  readonly dirtyTracking: boolean;
  readonly lazyPages: boolean;
  readonly timeNamespaces: boolean;
  readonly pidMax: number;
  readonly ptraceScope: number;
  readonly lacks: readonly string[];
  readonly roomBytes: number;
}

/** What a tree asks of its destination. */
export interface Demand {
  readonly pids: readonly number[];
  readonly ownPidNamespace: boolean;
  readonly memoryBytes: number;
  /** Processes of others than root are in it. */
  readonly otherUsers: boolean;
  /** The source writes all its memory down before it travels. */
  readonly throughFiles?: boolean;
}

/** Root needs these for what belongs to others (docs/security.md). */
const FOR_OTHERS = ["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_KILL", "CAP_SYS_RESOURCE"];

const MIB = 2 ** 20;
/** Under this scope nobody may trace anybody, root neither. */
const NO_TRACING = 3;

/** What `host` lacks as a `role`, for a tree that demands so much. */
export function checkHost(host: JudgedHost, role: Role, demand: Demand): Finding[] {
  const roleFindings = role === "source" ? checkSource(host, demand) : checkTaker(host, demand);
  return [...checkKernel(host, role, demand), ...roleFindings];
}

function checkKernel(host: JudgedHost, role: Role, { otherUsers }: Demand): Finding[] {
  const { ptraceScope, lacks, timeNamespaces } = host;
  const findings: Finding[] = [];
  if (ptraceScope >= NO_TRACING) {
    findings.push({
      code: "ptrace-scope",
      severity: "blocker",
      message:
        `the kernel of the ${role} lets nobody trace a process (kernel.yama.ptrace_scope is 3)`,
      remedy: "Boot with a lower kernel.yama.ptrace_scope: 3 cannot be undone while the host runs",
    });
  }
  for (const capability of lacks) {
    findings.push({
      code: "capability",
      severity: weightOf(capability, role, otherUsers),
      message: `the phaul of the ${role} lacks ${capability}`,
      remedy: "Give it all that docs/security.md names for its role",
    });
  }
  if (!timeNamespaces) {
    findings.push({
      code: "time-namespace",
      severity: "warning",
      message:
        `the kernel of the ${role} has no time namespaces: the tree's monotonic clock jumps ` +
        "when it moves",
      remedy: "Boot Linux 5.6 or later with CONFIG_TIME_NS",
    });
  }
  return findings;
}

/** The kernel lets nobody read limits of other users' processes without this: every such dump fails. */
const TO_READ_LIMITS = "CAP_SYS_RESOURCE";

function weightOf(capability: string, role: Role, otherUsers: boolean): Severity {
  if (otherUsers && role === "source" && capability === TO_READ_LIMITS) return "blocker";
  return otherUsers || !FOR_OTHERS.includes(capability) ? "warning" : "note";
}

function checkSource(
  { dirtyTracking, roomBytes }: JudgedHost,
  { throughFiles = false, memoryBytes }: Demand,
): Finding[] {
  const findings: Finding[] = [];
  if (!dirtyTracking && !throughFiles) {
    findings.push({
      code: "dirty-tracking",
      severity: "warning",
      message:
        "the kernel of the source cannot tell what memory was written: all of it travels while " +
        "the tree stands still",
      remedy: "Boot a kernel with CONFIG_MEM_SOFT_DIRTY, as Debian's is",
    });
  }
  if (throughFiles && memoryBytes > roomBytes) {
    findings.push({
      code: "room",
      severity: "blocker",
      message:
        `the tree has ${Math.ceil(memoryBytes / MIB)} MiB in memory, and a criu service would ` +
        `write them down where ${Math.floor(roomBytes / MIB)} MiB fit`,
      remedy: "Name a --work-dir with more room, or leave --criu-service out",
    });
  }
  return findings;
}

function checkTaker(host: JudgedHost, { pids, ownPidNamespace, memoryBytes }: Demand): Finding[] {
  const findings: Finding[] = [];
  if (!host.lazyPages) {
    findings.push({
      code: "lazy-pages",
      severity: "note",
      message: "the destination cannot fill memory in after the restore: the tree stands still " +
        "until all of it is there",
      remedy: "Have a criu and a kernel with userfaultfd there (criu check --feature lazy_pages)",
    });
  }
  const highest = pids.reduce((max, pid) => Math.max(max, pid), 0);
  if (!ownPidNamespace && highest >= host.pidMax) {
    findings.push({
      code: "pid-max",
      severity: "blocker",
      message: `the tree has pid ${highest}, and the destination gives none from ${host.pidMax} on`,
      remedy: `Raise it there: sysctl kernel.pid_max=${2 ** Math.ceil(Math.log2(highest + 1))}`,
    });
  }
  if (memoryBytes > host.roomBytes) {
    findings.push({
      code: "room",
      severity: "warning",
      message: `the tree has ${Math.ceil(memoryBytes / MIB)} MiB in memory, and ` +
        `${Math.floor(host.roomBytes / MIB)} MiB fit where the destination keeps images`,
      remedy: "Make room there, or start phaul serve with --work-dir on a larger file system",
    });
  }
  return findings;
}
