/**
 * What the kernel of this host tells of itself.
 *
 * @module
 */

import { readText, statOf } from "./procfs.ts";

/** What can be known of a host without CRIU. */
export interface KernelFacts {
  readonly kernel: string;
  readonly arch: string;
  readonly timeNamespaces: boolean;
  readonly cgroupVersion: number;
  readonly pidMax: number;
  readonly ptraceScope: number;
}

/** Capabilities that a role may need, by their numbers in the kernel's capability.h. */
const CAPABILITIES = {
  CAP_DAC_OVERRIDE: 1,
  CAP_DAC_READ_SEARCH: 2,
  CAP_KILL: 5,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_RESOURCE: 24,
  CAP_CHECKPOINT_RESTORE: 40,
} as const;

/** The name of a capability. */
export type Capability = keyof typeof CAPABILITIES;

/** What the kernel of this host is, as far as it matters to a migration. */
export function kernelFacts(): KernelFacts {
  const number = (path: string, fallback: number) => Number(readText(path)?.trim() || fallback);
  return {
    kernel: Deno.osRelease(),
    arch: Deno.build.arch,
    timeNamespaces: statOf("/proc/self/ns/time") !== undefined,
    cgroupVersion: statOf("/sys/fs/cgroup/cgroup.controllers") === undefined ? 1 : 2,
    pidMax: number("/proc/sys/kernel/pid_max", 32_768),
    ptraceScope: number("/proc/sys/kernel/yama/ptrace_scope", 0),
  };
}

/**
 * Of each of `needed` one is enough; those of which this process has none as its effective ones, by
 * their first.
 */
export function lackingCapabilities(
  needed: readonly (readonly [Capability, ...Capability[]])[],
): Capability[] {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(readText("/proc/self/status") ?? "")?.[1];
  if (hex === undefined) return [];
  const effective = BigInt(`0x${hex}`);
  const has = (name: Capability) => ((effective >> BigInt(CAPABILITIES[name])) & 1n) === 1n;
  return needed.flatMap((choice) => choice.some(has) ? [] : [choice[0]]);
}
