/** What this machine needs to run the harness, and its installation. */

import { exists, hasCommand, runHere } from "./command.ts";
import { progress } from "./progress.ts";

interface Need {
  /** The Debian package. */
  readonly name: string;
  readonly why: string;
  readonly present: () => boolean;
}

const NEEDS: readonly Need[] = [
  { name: "qemu-system-x86", why: "runs the guests", present: has("qemu-system-x86_64") },
  { name: "e2fsprogs", why: "makes the guests' disks", present: has("mke2fs") },
  { name: "kmod", why: "indexes the guests' kernel modules", present: has("depmod") },
  { name: "xz-utils", why: "unpacks kernel modules", present: has("xz") },
  { name: "gcc", why: "builds the workloads", present: has("cc") },
  {
    name: "libc6-dev",
    why: "builds the workloads",
    present: () => multiarch().some((dir) => exists(`${dir}/libc.a`)),
  },
];

/** The harness lacks packages and must not install them itself. */
export class MissingPackagesError extends Error {
  override readonly name = "MissingPackagesError";
}

/**
 * Installs what is missing through apt, after one line that says what and why.
 *
 * @throws {MissingPackagesError} without root, with the command that helps.
 */
export async function ensurePackages(): Promise<void> {
  const missing = NEEDS.filter((need) => !need.present());
  if (missing.length === 0) return;
  const names = missing.map((need) => need.name);
  const reasons = missing.map((need) => `${need.name} (${need.why})`).join(", ");
  if (Deno.uid() !== 0) {
    throw new MissingPackagesError(
      `Cannot run virtual machines without ${reasons}: install them with ` +
        `"sudo apt-get update && sudo apt-get install --no-install-recommends ${names.join(" ")}"`,
    );
  }
  progress(`installing ${reasons}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await runHere("apt-get", ["update", "-q"], { env });
  await runHere("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...names], { env });
}

function has(command: string): () => boolean {
  return () => hasCommand(command);
}

function multiarch(): readonly string[] {
  return [`/usr/lib/${Deno.build.arch}-linux-gnu`, "/usr/lib64", "/usr/lib"];
}
