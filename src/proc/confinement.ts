/**
 * What a service manager or a container has taken from this phaul, and so from all that it restores.
 *
 * @module
 */

import { PROC_ROOT, readText } from "./procfs.ts";

const REMEDY = "run phaul serve without it (for a systemd unit: take the directive out)";

/**
 * Warnings for each way in which a tree that is restored by `restorer` would be less free than what this
 * host starts itself: what is restored inherits from its CRIU, a CRIU of phaul's own from phaul, and
 * nothing gives back what is lost. Measured by the host's init, so that a container is no confinement to
 * those who are in it anyway.
 *
 * @param restorer A pid; phaul itself unless told otherwise.
 * @param procRoot Where procfs is mounted.
 */
export function confinements(
  restorer: number | "self" = "self",
  procRoot: string = PROC_ROOT,
): string[] {
  const own = readConfinement(procRoot, String(restorer));
  const init = readConfinement(procRoot, "1");
  const found: string[] = [];
  const tell = (effect: string, directive: string) =>
    found.push(`What is restored here ${effect} (${directive}): ${REMEDY}`);
  if (own.noNewPrivileges && !init.noNewPrivileges) {
    tell("can never gain a privilege again", "no_new_privs; NoNewPrivileges=");
  }
  if (own.bounds !== undefined && init.bounds !== undefined && (init.bounds & ~own.bounds) !== 0n) {
    tell("lacks capabilities of this host", "the bounding set; CapabilityBoundingSet=");
  }
  // Whoever may not look at init's namespaces learns nothing, and is warned of nothing.
  if (own.mounts !== undefined && init.mounts !== undefined && own.mounts !== init.mounts) {
    tell("sees phaul's mounts, not this host's", "a mount namespace; PrivateTmp=, ProtectSystem=");
  }
  return found;
}

interface Confinement {
  readonly noNewPrivileges: boolean;
  /** The capability bounding set, a bit for each. */
  readonly bounds?: bigint;
  /** The mount namespace. */
  readonly mounts?: string;
}

function readConfinement(procRoot: string, process: string): Confinement {
  const status = readText(`${procRoot}/${process}/status`) ?? "";
  const bounds = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return {
    noNewPrivileges: /^NoNewPrivs:\s*1$/m.test(status),
    ...(bounds === undefined ? {} : { bounds: BigInt(`0x${bounds}`) }),
    mounts: mountNamespace(`${procRoot}/${process}/ns/mnt`),
  };
}

function mountNamespace(link: string): string | undefined {
  try {
    return Deno.readLinkSync(link);
  } catch {
    return undefined;
  }
}
