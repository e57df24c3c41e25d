/**
 * Where two hosts do not fit together.
 *
 * @module
 */

import type { Finding } from "./finding.ts";

/** More than this a program may notice in its log, or in a token that expires. */
const CLOCK_TOLERANCE_MS = 1000;

/** What of two hosts the rules look at; see HostFacts of the wire. */
export interface PairedHost {
  readonly criuVersion: string;
  readonly kernel: string;
  readonly arch: string;
  readonly pageSize: number;
  readonly cgroupVersion: number;
}

/** What was found out besides, by asking. */
export interface PairTrials {
  /** How far the destination's clock is ahead of the source's, in milliseconds. */
  readonly clockAheadMs: number;
  /** What is to be said of the destination's CPU for programs of the source's. */
  readonly cpuThere?: CpuObjection;
  /** The same for the way back. */
  readonly cpuBack?: CpuObjection;
}

/** What CRIU says of a CPU, against another. */
export interface CpuObjection {
  /** It lacks what programs may use; else the two differ, or cannot be compared. */
  readonly lacks: boolean;
  /** In CRIU's words. */
  readonly reason: string;
}

/** What of `there` does not fit `here`. */
export function checkPair(here: PairedHost, there: PairedHost, trials: PairTrials): Finding[] {
  const machine = checkMachine(here, there);
  // CPUs of two kinds are not to be compared.
  return machine.length > 0 ? machine : [
    ...checkCpu(trials),
    ...checkSoftware(here, there),
    ...checkClock(trials.clockAheadMs),
  ];
}

function checkMachine(here: PairedHost, there: PairedHost): Finding[] {
  if (here.arch !== there.arch) {
    return [{
      code: "architecture",
      severity: "blocker",
      message: `the source is ${here.arch} and the destination ${there.arch}`,
      remedy: "Name a destination of the same architecture with --peer",
    }];
  }
  if (here.pageSize === there.pageSize) return [];
  return [{
    code: "page-size",
    severity: "blocker",
    message: `the source has pages of ${here.pageSize} bytes, the destination of ${there.pageSize}`,
    remedy: "Name a destination whose kernel has pages of the same size with --peer",
  }];
}

/** What CRIU says of the CPUs. */
export function checkCpu(
  { cpuThere, cpuBack }: Pick<PairTrials, "cpuThere" | "cpuBack">,
): Finding[] {
  if (cpuThere && !cpuThere.lacks) {
    return [{
      code: "cpu-state",
      severity: "warning",
      message: "the CPUs keep their registers in different ways, or cannot be compared " +
        `(CRIU: ${cpuThere.reason}): a program that asked for the size of that at its start may fail`,
      remedy: "Name a destination with the same CPU, or give virtual machines a common model",
    }];
  }
  if (cpuThere) {
    return [{
      code: "cpu",
      severity: "blocker",
      message:
        `the destination's CPU lacks what programs on the source may use (CRIU: ${cpuThere.reason})`,
      remedy: "Name a destination with the same or a newer CPU; virtual machines can be given a " +
        "common model. --skip-check cpu is for programs that are known to use none of it",
    }];
  }
  if (!cpuBack?.lacks) return [];
  return [{
    code: "cpu-way-back",
    severity: "note",
    message:
      `what is started on the destination could not move to the source (CRIU: ${cpuBack.reason})`,
  }];
}

function checkSoftware(here: PairedHost, there: PairedHost): Finding[] {
  const findings: Finding[] = [];
  if (isOlder(there.criuVersion, here.criuVersion)) {
    findings.push({
      code: "criu-older",
      severity: "warning",
      message: `the destination has CRIU ${there.criuVersion}, older than the source's ` +
        `${here.criuVersion}: it may not understand all that is written`,
      remedy: "Install the same criu on both hosts, or name one with --criu",
    });
  }
  if (isOlder(there.kernel, here.kernel)) {
    findings.push({
      code: "kernel-older",
      severity: "warning",
      message: `the destination's Linux ${there.kernel} is older than the source's ` +
        `${here.kernel}: what only that has, the tree must not use`,
      remedy: "Boot the same kernel on both hosts",
    });
  }
  if (here.cgroupVersion !== there.cgroupVersion) {
    findings.push({
      code: "cgroup-version",
      severity: "note",
      message: `the source has cgroups of version ${here.cgroupVersion}, the destination of ` +
        `${there.cgroupVersion}: --manage-cgroups-mode has to stay ignore`,
    });
  }
  return findings;
}

function checkClock(aheadMs: number): Finding[] {
  if (Math.abs(aheadMs) <= CLOCK_TOLERANCE_MS) return [];
  const seconds = (Math.abs(aheadMs) / 1000).toFixed(1);
  return [{
    code: "clock",
    severity: "warning",
    message: `the destination's clock is ${seconds} s ${aheadMs > 0 ? "ahead of" : "behind"} the ` +
      "source's: the tree's time of day jumps by as much",
    remedy: "Let both hosts keep the time (timedatectl set-ntp true)",
  }];
}

/** By major and minor version, which is as far as promises go. */
function isOlder(one: string, other: string): boolean {
  const [major, minor] = numbersOf(one);
  const [otherMajor, otherMinor] = numbersOf(other);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

function numbersOf(version: string): [major: number, minor: number] {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number);
  return [major || 0, minor || 0];
}
